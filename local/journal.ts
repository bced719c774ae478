/**
 * What the cores write down, so that a process that ends at any instant goes on where it was. One journal for all of them:
 * what is on the disk is always a beginning of what happened, never one service's present with another's past.
 */
export interface Journal {
  /**
   * Joins a core's part under its name, before the journal is read. Gives the way to write an entry down: all entries of
   * one turn of the event loop are one line, so that they are there together or not at all, and the line is written
   * before anybody outside gets an answer. A function is asked for its entry at the end of the turn.
   */
  join<Entry>(name: string, part: Part<Entry>): (entry: Entry | (() => Entry)) => void;
}

/** One core's side of the journal. Entries are plain JSON. */
export interface Part<Entry> {
  /** Makes again what the entry tells of, and starts nothing by it. */
  restore(entry: Entry): void;
  /** Entries that make the present state from nothing: with them a compacted journal begins. */
  snapshot(): Iterable<Entry>;
  /** All is restored and the template is deployed: goes on with what was under way. */
  resume?(): void;
}

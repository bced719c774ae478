import type { CursorTable } from '../feed/cursor-table.ts';
import type { Envelope } from '../feed/envelope.ts';
import { eachOf } from '../feed/feed-batch.ts';
import type { FeedWriter } from '../feed/feed-writer.ts';
import { lastOf } from '../feed/read-run.ts';
import type { ArchiveFiles } from '../replay/archive-files.ts';
import type { Pauses } from '../store/backoff.ts';
import type { EventTable } from '../store/event-table.ts';
import { createSender, envelopesOf, type Unsendable } from './send-events.ts';
import { readIfThere } from './work-files.ts';

/**
 * Which events: `past` are those that the feed does not bring, the versions up to each aggregate's base; `all` are all that the
 * table has now, for an archive that is younger than the feed.
 */
export type BackfillOf = 'past' | 'all';

export interface BackfillPorts {
  /** The feed's id. */
  readonly feed: string;
  readonly table: Pick<EventTable, 'query' | 'aggregates'>;
  readonly cursors: Pick<CursorTable, 'readMany'>;
  /** The archive's Direct PUT stream. */
  readonly writer: FeedWriter;
  /** Where the checkpoint is kept. */
  readonly files: Pick<ArchiveFiles, 'readText' | 'writeText'>;
  readonly now: () => number;
  readonly pauses?: Pauses;
}

export interface BackfillOptions {
  readonly of: BackfillOf;
  /** From the beginning, whatever earlier runs did. */
  readonly again?: boolean;
  /** Is the time of this run used up? Asked between pages; the next run goes on from there. Default: never. */
  readonly isLate?: () => boolean;
  readonly onProgress?: (now: Backfilled) => void;
  readonly onUnsendable?: (unsendable: Unsendable) => void;
}

/** What all runs together have done. */
export interface Backfilled {
  readonly complete: boolean;
  readonly aggregates: number;
  readonly events: number;
  readonly unsendable: number;
  /** When the run began that had done all of it: this one sent nothing. */
  readonly doneBefore?: string;
}

/** Where it stands. `sent` is how far aggregates of the page under way are; the page ends with all of them. */
interface Checkpoint extends Backfilled {
  readonly feed: string;
  readonly startedAt: string;
  readonly after?: string;
  readonly sent: readonly (readonly [aggregate: string, version: number])[];
}

/** Aggregates to a page. */
const PAGE = 100;
const CONCURRENCY = 8;
const SAVE_EVERY_MS = 10_000;

export const backfillKey = (feed: string, of: BackfillOf): string => `checks/backfill/${feed}-${of}.json`;

/**
 * Sends events that the archive never got. It may be killed and run again: it goes on from its checkpoint, and what it sends
 * twice is a repeat like any other. Memory: a page of each of eight aggregates, and a call's envelopes.
 */
export async function backfill(ports: BackfillPorts, options: BackfillOptions): Promise<Backfilled> {
  const { feed, table, cursors, writer, files, now, pauses } = ports;
  const { of, again = false, isLate = () => false, onProgress = () => {}, onUnsendable = () => {} } = options;
  const key = backfillKey(feed, of);
  const known = again ? undefined : await readIfThere(files, key);
  const start = new Date(now()).toISOString();
  let place: Checkpoint =
    known === undefined
      ? { feed, startedAt: start, complete: false, aggregates: 0, events: 0, unsendable: 0, sent: [] }
      : (JSON.parse(known) as Checkpoint);
  const doneBefore = place.complete ? place.startedAt : undefined;
  let savedAt = now();
  const save = async () => {
    savedAt = now();
    await files.writeText(key, JSON.stringify(place));
  };
  // Killed before its first page, it is still this run that goes on, not the one before it that was done.
  if (again) await save();
  let sent = new Map(place.sent);
  const onSent = (envelopes: readonly Envelope[]) => {
    let { events } = place;
    for (const { aggregate, to, events: each } of envelopes) {
      sent.set(aggregate, to);
      events += each.length;
    }
    place = { ...place, events, sent: [...sent] };
    onProgress(place);
  };
  const sender = createSender({ writer, onSent, ...(pauses !== undefined && { pauses }) });
  while (!place.complete) {
    const page = await table.aggregates({ limit: PAGE, ...(place.after !== undefined && { after: place.after }) });
    const known = of === 'past' ? await cursors.readMany(page.aggregateUuids, { consistent: true }) : new Map();
    await eachOf(page.aggregateUuids, CONCURRENCY, async (aggregate) => {
      const to = of === 'past' ? (known.get(aggregate)?.base ?? 0) : await lastOf(table, aggregate);
      const from = (sent.get(aggregate) ?? 0) + 1;
      const skip = (unsendable: Unsendable) => {
        place = { ...place, unsendable: place.unsendable + 1 };
        onUnsendable(unsendable);
      };
      for await (const envelope of envelopesOf({ feed, table }, aggregate, from, to, skip)) {
        await sender.add(envelope);
        if (now() - savedAt >= SAVE_EVERY_MS) await save();
      }
    });
    await sender.flush();
    sent = new Map();
    const { after: _, ...rest } = place;
    place = {
      ...rest,
      aggregates: place.aggregates + page.aggregateUuids.length,
      sent: [],
      complete: page.next === undefined,
      ...(page.next !== undefined && { after: page.next }),
    };
    await save();
    onProgress(place);
    if (isLate()) break;
  }
  const { complete, aggregates, events, unsendable } = place;
  return { complete, aggregates, events, unsendable, ...(doneBefore !== undefined && { doneBefore }) };
}

import type { StoredEvent } from '../event/stored-event.ts';

/** Some of the events table's items, wherever they are read from. */
export interface HotPage {
  readonly events: readonly StoredEvent[];
  /** Items that are no events, or lie at no version: nobody can archive them. */
  readonly unreadable: readonly UnreadableItem[];
}

export interface UnreadableItem {
  readonly aggregate: string;
  /** As it is stored: it may be no version at all. */
  readonly version: string;
  readonly reason: string;
}

/** Every item of the events table once, in no promised order: a scan, or the files of an export. */
export interface HotEvents {
  /** It shows what was there at this instant, epoch ms; absent: when its reading begins. */
  readonly asOf?: number;
  pages(): AsyncIterable<HotPage>;
}

import { type Journal, openJournal } from '../s3/journal.ts';
import type { Received } from './transform.ts';

/** What was put and not yet delivered: an acknowledged record is delivered even when the process ends in between. */
export interface PutLog {
  add(recordId: string, data: Buffer, arrivalMs: number): void;
  close(): void;
}

interface Entry {
  readonly add?: { readonly id: string; readonly data: string; readonly at: number };
  readonly done?: string;
}

export function openPutLog(path: string | undefined, receive: (record: Received) => void): PutLog {
  const open = new Map<string, NonNullable<Entry['add']>>();
  let closed = false;
  let journal: Journal<Entry> | undefined;
  if (path !== undefined) {
    journal = openJournal<Entry>(
      path,
      ({ add, done }) => {
        if (add !== undefined) open.set(add.id, add);
        else open.delete(done!);
      },
      () => [...open.values()].map((add) => ({ add })),
    );
  }
  const hand = (id: string, data: Buffer, at: number) =>
    receive({
      recordId: id,
      data,
      arrivalMs: at,
      done() {
        if (!closed) journal?.append({ done: id });
      },
    });
  for (const { id, data, at } of open.values()) hand(id, Buffer.from(data, 'base64'), at);
  open.clear();
  return {
    add(recordId, data, arrivalMs) {
      journal?.append({ add: { id: recordId, data: data.toString('base64'), at: arrivalMs } });
      hand(recordId, data, arrivalMs);
    },
    close() {
      closed = true;
      journal?.close();
    },
  };
}

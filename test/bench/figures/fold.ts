import assert from 'node:assert/strict';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { createEventStore, type EventTable } from '../../../src/index.ts';
import { defineBench } from '../figure.ts';
import { AGGREGATE, book, Ledger, storedTransfers } from '../ledger.ts';

const EVENTS = 5_000;
const PAGE = 1_000;

/** What the library adds to each event of a fold: the same stored events, without a transport, by hand and through `load`. */
export default defineBench({
  name: 'fold',
  // A difference of two numbers twenty times as large: only many runs of both make it one to believe.
  turns: 25,
  figures: [
    {
      name: 'fold-cost',
      what: 'our cost per event over JSON.parse of its data and the user’s fold, written as a loop, CPU',
      formula: { kind: 'extra', of: 'daybook', over: 'loop', by: 'cpu' },
      budget: { atMost: 50 },
    },
  ],
  async prepare() {
    const events = storedTransfers(EVENTS);
    const pages: (readonly StoredEvent[])[] = [];
    for (let start = 0; start < EVENTS; start += PAGE) pages.push(events.slice(start, start + PAGE));
    const table: Pick<EventTable, 'query'> = {
      async *query() {
        yield* pages;
      },
    };
    const store = createEventStore({ table: table as EventTable });
    const daybook = async () => (await store.load(Ledger, AGGREGATE)).state;
    const loop = async () => {
      let state = Ledger.initialState();
      for (const page of pages) for (const { type, data } of page) state = book(state, type, JSON.parse(data));
      return state;
    };
    assert.deepEqual(await daybook(), await loop());
    const folded = (run: () => Promise<unknown>) => ({
      count: EVENTS,
      async run() {
        await run();
      },
    });
    return { sides: { daybook: folded(daybook), loop: folded(loop) } };
  },
});

import { costOfFeeding } from '../embedded-feed.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const EVENTS = 100_000;
/** "Each partition … up to 1,000 write units": as fast as one aggregate can be written. */
const FASTEST = 1_000;
/** A round each: how long enrichment and Confirm take. The pipe brings more or fewer batches between two of Confirm's. */
const INVOCATIONS_MS = [20, 50, 150, 350, 600];

/** What a burst on one aggregate costs on the feed without a fault, in virtual time. */
export default defineBench({
  name: 'feed-burst',
  rounds: INVOCATIONS_MS.length,
  warmUp: 0,
  figures: [
    {
      name: 'burst-bytes',
      what: 'bytes fed ÷ bytes of events, 100,000 versions of one aggregate at once',
      formula: { kind: 'reading', of: 'atOnce', by: 'fedPerByte', unit: 'times' },
      budget: { atMost: 1.5 },
    },
    {
      name: 'burst-bytes-paced',
      what: 'the same, at the 1,000 a second that a partition takes',
      formula: { kind: 'reading', of: 'paced', by: 'fedPerByte', unit: 'times' },
      budget: { atMost: 1.5 },
    },
  ],
  prepare() {
    const events = storedTransfers(EVENTS);
    const side = (pace: { rate?: number }) => {
      let round = 0;
      let cost: Awaited<ReturnType<typeof costOfFeeding>>;
      return {
        count: 1,
        async run() {
          const invocationMs = INVOCATIONS_MS[round % INVOCATIONS_MS.length]!;
          cost = await costOfFeeding(events, { ...pace, windowSeconds: 1, fanOut: false, invocationMs, seed: ++round });
        },
        readings: () => cost,
      };
    };
    return { sides: { atOnce: side({}), paced: side({ rate: FASTEST }) } };
  },
});

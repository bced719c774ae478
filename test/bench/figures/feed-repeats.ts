import { costOfFeeding } from '../embedded-feed.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const EVENTS = 600;
const AGGREGATES = 100;
const VERSIONS = 50;
/** A round each: how long enrichment and Confirm take, with other moments of polling. */
const INVOCATIONS_MS = [20, 50, 100, 150, 200, 300];

/**
 * What steady events cost on the feed without a fault, in virtual time: a model's readings, the same on any
 * machine.
 */
export default defineBench({
  name: 'feed-repeats',
  rounds: 2 * INVOCATIONS_MS.length,
  warmUp: 0,
  figures: [
    {
      name: 'repeats-polling',
      what: 'repeats on the feed per event, one aggregate, 20 events a second, window 1 s, Confirm polls once a second',
      formula: { kind: 'reading', of: 'polling', by: 'repeats', unit: 'per event' },
      budget: { atMost: 1.1 },
    },
    {
      name: 'repeats-fan-out',
      what: 'the same, Confirm by enhanced fan-out',
      formula: { kind: 'reading', of: 'fanOut', by: 'repeats', unit: 'per event' },
      budget: { atMost: 0.05 },
    },
    {
      name: 'repeats-no-window',
      what: 'the same without a window, Confirm polls once a second',
      formula: { kind: 'reading', of: 'noWindow', by: 'repeats', unit: 'per event' },
    },
    {
      name: 'repeats-many',
      what: '100 aggregates of 10 events a second each: batches of 100 fill in a tenth of the window',
      formula: { kind: 'reading', of: 'many', by: 'repeats', unit: 'per event' },
    },
  ],
  prepare() {
    const one = { events: storedTransfers(EVENTS), rate: 20 };
    const histories = Array.from({ length: AGGREGATES }, (_, i) => storedTransfers(VERSIONS, `ledger-${i}`));
    const inTurn = Array.from({ length: VERSIONS }, (_, i) => histories.map((history) => history[i]!)).flat();
    const many = { events: inTurn, rate: 10 * AGGREGATES };
    const side = ({ events, rate }: typeof one, fanOut: boolean, windowSeconds: number) => {
      let round = 0;
      let cost: Awaited<ReturnType<typeof costOfFeeding>>;
      return {
        count: 1,
        async run() {
          const invocationMs = INVOCATIONS_MS[round % INVOCATIONS_MS.length]!;
          cost = await costOfFeeding(events, { rate, windowSeconds, fanOut, invocationMs, seed: ++round });
        },
        readings: () => cost,
      };
    };
    return {
      sides: {
        polling: side(one, false, 1),
        fanOut: side(one, true, 1),
        noWindow: side(one, false, 0),
        many: side(many, false, 1),
      },
    };
  },
});

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventStore, type EventTable, type ReadOptions } from '../../src/index.ts';
import { Account, deposited } from './bank.ts';

/** A table whose pages end after so many events, and which shows the transactions written from then on a part at a time. */
export type MakeTable = (pageSize: number, torn: boolean) => Promise<EventTable>;

interface Known {
  readonly version: number;
  readonly occurredAt: string;
  readonly recordedAt: string;
}

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const day = (n: number) => new Date(START + n * DAY).toISOString();

/** A commit: on which day it is recorded, and on which days its events occurred. */
const commits = fc.array(
  fc.record({
    recorded: fc.integer({ min: 0, max: 2 }),
    occurred: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 6 },
);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const ranges = fc
  .record({
    from: optional(fc.integer({ min: 1, max: 22 })),
    to: optional(fc.integer({ min: 1, max: 22 })),
    reverse: optional(fc.boolean()),
    limit: optional(fc.integer({ min: 1, max: 20 })),
    since: optional(fc.integer({ min: 0, max: 11 })),
    until: optional(fc.integer({ min: 0, max: 11 })),
    clock: optional(fc.constantFrom('occurred' as const, 'recorded' as const)),
    consistent: optional(fc.boolean()),
  })
  .filter(({ from = 1, to = 99, since = 0, until = 99 }) => from <= to && since <= until)
  .map(({ since, until, ...rest }) => {
    const times = {
      since: since === undefined ? undefined : day(since),
      until: until === undefined ? undefined : day(until),
    };
    return Object.fromEntries(
      Object.entries({ ...rest, ...times }).filter(([, value]) => value !== undefined),
    ) as ReadOptions;
  });

/** What a read must give, by looking at every event. */
function chosen(events: readonly Known[], options: ReadOptions): number[] {
  const { from = 1, to = Number.POSITIVE_INFINITY, since = '', until = '~', clock = 'occurred', limit } = options;
  const found = events.filter((event) => {
    const time = clock === 'occurred' ? event.occurredAt : event.recordedAt;
    return event.version >= from && event.version <= to && time >= since && time <= until;
  });
  if (options.reverse === true) found.reverse();
  return found.slice(0, limit).map(({ version }) => version);
}

/** As long as a torn transaction here takes at the most, divided by the attempts that a reader makes. */
const aMoment = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 3)));

/**
 * Every combination of ranges, directions and limits, at every page boundary, against a look at every event.
 *
 * @param tears whether the table shows parts of transactions; where it shows none, one history serves all reads of a run
 */
export function readContract(
  name: string,
  makeTable: MakeTable,
  { runs, tears = true, sleep = aMoment }: { runs: number; tears?: boolean; sleep?: typeof aMoment },
): void {
  describe(`reads on ${name}`, () => {
    const writeAll = async (table: EventTable, given: readonly { recorded: number; occurred: readonly number[] }[]) => {
      const aggregateUuid = `account-${randomUUID()}`;
      const known: Known[] = [];
      let now = START;
      const store = createEventStore({ table, clock: { now: () => now }, sleep });
      for (const { recorded, occurred } of given) {
        // It waits until the commit before is whole: only the last one is to be torn.
        await store.load(Account, aggregateUuid);
        now += recorded * DAY;
        const target = { aggregate: Account, aggregateUuid, expectedVersion: known.length };
        const events = occurred.map((n) => ({ ...deposited(n + 1), occurredAt: day(n) }));
        const { recordedAt } = await store.append(target, events);
        for (const { occurredAt } of events) known.push({ version: known.length + 1, occurredAt, recordedAt });
      }
      return { aggregateUuid, known, store };
    };

    it('give what a look at every event gives, and never part of a commit', async () => {
      await fc.assert(
        fc.asyncProperty(
          commits,
          fc.array(ranges, { minLength: 4, maxLength: 12 }),
          fc.integer({ min: 1, max: 7 }),
          tears ? fc.boolean() : fc.constant(false),
          async (given, asked, pageSize, torn) => {
            // A new history for each torn read: the next one would see the commit whole.
            for (const options of torn ? asked.map((one) => [one]) : [asked]) {
              const table = await makeTable(pageSize, torn);
              const { aggregateUuid, known, store } = await writeAll(table, given);
              const settled = known.slice(0, known.length - given.at(-1)!.occurred.length);
              for (const one of options) {
                const seen: number[] = [];
                for await (const event of store.read(aggregateUuid, one)) seen.push(event.version);
                const allowed = [chosen(known, one), ...(torn ? [chosen(settled, one)] : [])];
                expect(allowed, JSON.stringify(one)).toContainEqual(seen);
              }
            }
          },
        ),
        { numRuns: runs },
      );
    });

    it('give the state at every version and time, and when something first held', async () => {
      await fc.assert(
        fc.asyncProperty(commits, fc.integer({ min: 1, max: 7 }), async (given, pageSize) => {
          const { aggregateUuid, known, store } = await writeAll(await makeTable(pageSize, false), given);
          const amounts = given.flatMap(({ occurred }) => occurred.map((n) => n + 1));
          const balance = (versions: readonly number[]) =>
            versions.reduce((sum, version) => sum + amounts[version - 1]!, 0);
          for (let version = 0; version <= known.length; version++) {
            const at = await store.stateAt(Account, aggregateUuid, { version });
            expect(at).toMatchObject({ version, events: version, state: { events: version } });
            expect(at.state.balance).toBe(balance(known.slice(0, version).map((event) => event.version)));
          }
          for (const clock of ['occurred', 'recorded'] as const) {
            for (let n = -1; n <= 12; n++) {
              const { state, events, version } = await store.stateAt(Account, aggregateUuid, { time: day(n), clock });
              const versions = chosen(known, { until: day(n), clock });
              const expected = { balance: balance(versions), events: versions.length, version: versions.at(-1) ?? 0 };
              expect({ balance: state.balance, events, version }).toEqual(expected);
            }
          }
          let sum = 0;
          const first = amounts.findIndex((amount) => {
            sum += amount;
            return sum > 12;
          });
          const found = await store.when(Account, aggregateUuid, (state) => state.balance > 12);
          expect(found?.event.version).toBe(first < 0 ? undefined : first + 1);
        }),
        { numRuns: Math.ceil(runs / 5) },
      );
    });
  });
}

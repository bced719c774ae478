import { defineEvent } from '../../../../src/event/event-definition.ts';
import { toBusEvent } from '../../../../src/feed/bus-event.ts';
import { type ConsumeEventsOptions, consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import type { RedriveAnswer } from '../../../../src/feed/consume/redrive-request.ts';
import { type Envelope, filledEnvelope, toEnvelopeEvent } from '../../../../src/feed/envelope.ts';
import type { PositionTable } from '../../../../src/feed/position-table.ts';
import type { EventTable } from '../../../../src/store/event-table.ts';
import { type MemoryPositions, memoryEvents, memoryPositions } from '../../../simulation/memory-ports.ts';
import { deliveredEvent, kinesisEvent, storedEvent } from '../../../simulation/records.ts';

export const MoneyDeposited = defineEvent({ type: 'MoneyDeposited', data: { type: 'object' } });

export class Crash extends Error {
  override readonly name = 'Crash';
}

/** What stands between the kit and its ports: it may wait, and it may crash the caller, before a call or after it. */
export type Gate = <T>(what: string, call: () => T | Promise<T>) => Promise<T>;

/** No scenario needs as many. */
export const MOST_CALLS = 20_000;

/** A gate of one invocation: once it has crashed, no call of it does anything. */
export function crashingAt(counter: { calls: number }, crashes: ReadonlySet<number>): Gate {
  let dead = false;
  const point = () => {
    if (counter.calls > MOST_CALLS) throw new Error('it does not end');
    if (dead || crashes.has(counter.calls++)) {
      dead = true;
      throw new Crash();
    }
  };
  return async (_, call) => {
    point();
    const result = await call();
    point();
    return result;
  };
}

export interface Bench {
  readonly positions: MemoryPositions<string>;
  readonly events: ReturnType<typeof memoryEvents>;
  /** What was done, in order: `a:1`. */
  readonly done: string[];
  /** Violations of "one at a time". */
  readonly overlaps: string[];
  now: number;
  /** `a:2`: what fails until it is mended. */
  readonly poison: Set<string>;
  invoke(
    gate: Gate,
    event: unknown,
    options?: Partial<Pick<ConsumeEventsOptions<never, never>, 'attempts'>>,
  ): Promise<unknown>;
}

/** A consumer over tables in memory, `effect` or `act`, each call through a gate. */
export function createBench(
  kind: 'effect' | 'act',
  lengths: Readonly<Record<string, number>>,
  consume: typeof consumeEvents = consumeEvents,
): Bench {
  const done: string[] = [];
  const positions = memoryPositions<string>((item) => done.push(item));
  const events = memoryEvents({ pageSize: 2 });
  for (const [aggregate, length] of Object.entries(lengths)) {
    for (let version = 1; version <= length; version++) events.put(storedEvent(aggregate, version));
  }
  const acting = new Set<string>();
  const bench: Bench = {
    positions,
    events,
    done,
    overlaps: [],
    now: Date.UTC(2026, 0, 2),
    poison: new Set(),
    async invoke(gate, event, { attempts = 2 } = {}) {
      const check = (id: string) => {
        if (bench.poison.has(id)) throw new TypeError('cannot be done');
      };
      const handler = consume({
        name: 'ledger',
        feed: 'feed-1',
        events: [MoneyDeposited],
        attempts,
        positions: gatedPorts(positions, gate),
        table: gatedTable(events.table, gate),
        clock: { now: () => bench.now },
        pauses: {
          random: () => 0.5,
          sleep: async (ms) => {
            await gate('pause', () => {
              bench.now += ms;
            });
          },
        },
        ...(kind === 'effect'
          ? {
              effect: async ({ aggregateUuid, version }) => {
                const id = `${aggregateUuid}:${version}`;
                await gate('effect', () => check(id));
                return [id];
              },
            }
          : {
              act: async ({ aggregateUuid: aggregate, version }) => {
                const id = `${aggregate}:${version}`;
                if (acting.has(aggregate)) bench.overlaps.push(id);
                acting.add(aggregate);
                try {
                  await gate('act', () => {
                    check(id);
                    done.push(id);
                  });
                } finally {
                  acting.delete(aggregate);
                }
              },
            }),
      });
      return await handler(event, { getRemainingTimeInMillis: () => 20_000 });
    },
  };
  return bench;
}

function gatedPorts(positions: PositionTable<string>, gate: Gate): PositionTable<string> {
  const gated = Object.entries(positions)
    .filter(([, method]) => typeof method === 'function')
    .map(([name, method]) => [
      name,
      (...args: never[]) => gate(name, () => (method as (...a: never[]) => unknown)(...args)),
    ]);
  return Object.fromEntries(gated) as PositionTable<string>;
}

function gatedTable(table: Pick<EventTable, 'query'>, gate: Gate): Pick<EventTable, 'query'> {
  return {
    async *query(...args) {
      const pages = table.query(...args)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await gate('query', () => pages.next());
        if (done === true) return;
        yield value;
      }
    },
  };
}

export const full = (aggregate: string, from: number, to: number, base = 0): Envelope =>
  filledEnvelope(
    'feed-1',
    aggregate,
    from,
    to,
    Array.from({ length: to - from + 1 }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, from + i))),
    base,
  );

export const delivered = (aggregate: string, version: number, base = 0) => {
  const { detailType, detail } = toBusEvent('feed-1', storedEvent(aggregate, version), base);
  return deliveredEvent(detailType, detail);
};

/** Messages of a queue, each with its id. */
export const message = (aggregate: string, version: number, group?: string) => ({
  messageId: `${aggregate}:${version}`,
  body: JSON.stringify(delivered(aggregate, version)),
  eventSource: 'aws:sqs',
  ...(group !== undefined && { attributes: { MessageGroupId: group } }),
});

/** A Kinesis mapping: the batch again from the first failure that is named, until nothing is. */
export async function drainFeed(
  envelopes: readonly Envelope[],
  invoke: (event: unknown) => Promise<unknown>,
): Promise<void> {
  let rest = envelopes;
  for (let round = 0; rest.length > 0; round++) {
    if (round > 200) throw new Error('the shard is blocked');
    try {
      const answer = (await invoke(kinesisEvent(rest))) as { batchItemFailures: { itemIdentifier: string }[] };
      const first = answer.batchItemFailures[0];
      rest = first === undefined ? [] : rest.slice(Number(first.itemIdentifier) - 1);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

/** A queue: what is given back comes again. */
export async function drainQueue(
  messages: readonly ReturnType<typeof message>[],
  invoke: (event: unknown) => Promise<unknown>,
): Promise<void> {
  let rest = messages;
  for (let round = 0; rest.length > 0; round++) {
    if (round > 200) throw new Error('the queue is blocked');
    try {
      const answer = (await invoke({ Records: rest })) as { batchItemFailures: { itemIdentifier: string }[] };
      const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      rest = rest.filter(({ messageId }) => failed.has(messageId));
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

/** An operator: redrives until nothing is parked. */
export async function redriveAll(bench: Bench, invoke: (event: unknown) => Promise<unknown>): Promise<void> {
  for (let round = 0; bench.positions.parked.size > 0; round++) {
    if (round > 50) throw new Error('it stays parked');
    const aggregates = [...bench.positions.parked.keys()].map((key) => key.slice('ledger|'.length));
    try {
      (await invoke({ daybook: 'redrive', aggregates })) as RedriveAnswer;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    bench.now += 60_000; // a dead one's lease is over
  }
}

/** What must never be, as text: an effect twice, out of order or left out; two that act at a time. */
export function violationsOf(
  kind: 'effect' | 'act',
  { done, overlaps }: Bench,
  lengths: Readonly<Record<string, number>>,
): readonly string[] {
  const violations = overlaps.map((id) => `${id} while another acts`);
  for (const [aggregate, length] of Object.entries(lengths)) {
    const ids = done.filter((id) => id.startsWith(aggregate));
    const all = Array.from({ length }, (_, i) => `${aggregate}:${i + 1}`);
    // What acts outside may do the last one again, and never an earlier one.
    const seen = kind === 'effect' ? ids : ids.filter((id, i) => id !== ids[i - 1]);
    if (seen.join() !== all.join()) violations.push(`${aggregate} is ${ids}`);
  }
  return violations;
}

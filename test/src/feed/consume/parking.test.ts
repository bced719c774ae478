import { ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb';
import { describe, expect, test, vi } from 'vitest';
import { DaybookError } from '../../../../src/errors.ts';
import { defineEvent } from '../../../../src/event/event-definition.ts';
import type { StoredEvent } from '../../../../src/event/stored-event.ts';
import { toBusEvent } from '../../../../src/feed/bus-event.ts';
import { type ConsumeEventsOptions, consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import type { EffectContext } from '../../../../src/feed/consume/effect.ts';
import { createReport } from '../../../../src/feed/metrics.ts';
import type { Observed } from '../../../../src/feed/observed.ts';
import { memoryEvents, memoryPositions } from '../../../simulation/memory-ports.ts';
import { deliveredEvent, kinesisEvent, storedEvent } from '../../../simulation/records.ts';
import { delivered, full, MoneyDeposited, message } from './crashing.ts';

type Options = ConsumeEventsOptions<typeof MoneyDeposited, string>;

const THROTTLED = { message: 'slow down', $metadata: { httpStatusCode: 400 } };
const NOW = Date.parse('2026-01-02T03:04:10.678Z'); // five seconds after the events

function setup(options: Partial<Options & { readonly act?: undefined }> = {}) {
  const events = memoryEvents({ pageSize: 100 });
  for (const aggregate of ['a', 'b']) for (let v = 1; v <= 6; v++) events.put(storedEvent(aggregate, v));
  const done: string[] = [];
  const poison = new Set<string>();
  const seen: Observed[] = [];
  const counts: Record<string, number> = {};
  const positions = memoryPositions<string>((item) => done.push(item));
  const given = {
    name: 'ledger',
    feed: 'feed-1',
    events: [MoneyDeposited],
    attempts: 3,
    positions,
    table: events.table,
    clock: { now: () => NOW },
    pauses: { random: () => 0.5, sleep: async () => {} },
    report: (observed: Observed) => {
      seen.push(observed);
      for (const [name, count] of observed.counts) counts[name] = (counts[name] ?? 0) + count;
    },
    effect: ({ aggregateUuid, version, data }: { aggregateUuid: string; version: number; data: unknown }) => {
      const id = `${aggregateUuid}:${version}`;
      if (poison.has(id)) throw new TypeError(`cannot do ${JSON.stringify(data)}`);
      return [id];
    },
    ...options,
  };
  return { events, done, poison, positions, seen, counts, given, handler: consumeEvents(given) };
}

const failures = (answer: unknown) =>
  (answer as { batchItemFailures: { itemIdentifier: string }[] }).batchItemFailures.map((f) => f.itemIdentifier);

describe('an event that fails', () => {
  test('is counted over invocations, and then parks its aggregate; nothing is blocked any more', async () => {
    const { handler, poison, done, positions, counts, seen } = setup();
    poison.add('a:2');
    const batch = kinesisEvent([full('a', 1, 2), full('b', 1, 1), full('a', 3, 4)]);
    expect(failures(await handler(batch))).toEqual(['1']);
    expect(failures(await handler(batch))).toEqual(['1']);
    expect(positions.parked.size).toBe(0);
    expect(failures(await handler(batch))).toEqual([]);
    expect([...done].sort()).toEqual(['a:1', 'b:1']);
    expect(positions.parked.get('ledger|a')).toEqual({
      version: 2,
      waiting: 4,
      since: new Date(NOW).toISOString(),
      code: 'TypeError',
      message: expect.stringMatching(/^at .*parking\.test/),
      function: '',
    });
    expect(counts).toMatchObject({ AttemptsFailed: 3, AggregatesParked: 1, ParkedAggregates: 1, EventsHandled: 2 });
    expect(JSON.stringify(seen.map(({ notes }) => notes))).not.toContain('cannot do'); // it quotes the data
    // Later arrivals are acknowledged and wait; of what is known to wait nothing is written.
    expect(failures(await handler({ Records: [message('a', 6), message('a', 5), message('b', 2)] }))).toEqual([]);
    expect(positions.parked.get('ledger|a')?.waiting).toBe(6);
    expect(done.at(-1)).toBe('b:2');
  });

  test('by a rule directly is parked with the last of Lambda’s three deliveries, not lost', async () => {
    const { handler, poison, positions } = setup({ attempts: 5 });
    poison.add('a:1');
    for (const _ of [1, 2]) {
      const failed = await handler(delivered('a', 1)).catch((error: Error) => error.message);
      expect(failed).toMatch(/^feed.notDone: consumer ledger did not get to a:1 \(TypeError at .*parking.test/);
      expect(failed).not.toContain('cannot do'); // Lambda logs it, and it quotes the data
    }
    expect(positions.parked.size).toBe(0);
    expect(await handler(delivered('a', 1))).toBeUndefined();
    expect(positions.parked.get('ledger|a')).toMatchObject({ version: 1, waiting: 1 });
  });

  test('that goes well at last has its attempts forgotten', async () => {
    const { handler, poison, positions } = setup();
    for (let version = 1; version <= 4; version++) {
      poison.add(`a:${version}`);
      for (let attempt = 1; attempt < 3; attempt++) await handler(kinesisEvent([full('a', 1, version)]));
      poison.clear();
      await handler(kinesisEvent([full('a', 1, version)]));
    }
    expect(positions.parked.size).toBe(0);
    expect(positions.items.get('ledger|a')).toBe(4);
  });

  test('does not inherit the attempts of a version that was missing and of no interest', async () => {
    const { handler, events, poison, positions } = setup();
    const missing = events.all('a').get(1)!;
    (events.all('a') as Map<number, StoredEvent>).delete(1);
    poison.add('a:2');
    for (let attempt = 1; attempt < 3; attempt++) await handler(kinesisEvent([full('a', 2, 2)]));
    events.put({ ...missing, type: 'Other' });
    expect(failures(await handler(kinesisEvent([full('a', 2, 2)])))).toEqual(['1']);
    expect(failures(await handler(kinesisEvent([full('a', 2, 2)])))).toEqual(['1']);
    expect(positions.parked.size).toBe(0);
    expect(failures(await handler(kinesisEvent([full('a', 2, 2)])))).toEqual([]);
    expect(positions.parked.get('ledger|a')?.version).toBe(2);
  });

  test('of which other types come before keeps what stands before it', async () => {
    const { given, positions, poison } = setup({ attempts: 1 });
    poison.add('a:3');
    const Other = defineEvent({ type: 'Other', data: { type: 'object' } });
    const handler = consumeEvents({ ...given, events: [MoneyDeposited] });
    const envelope = full('a', 1, 3);
    const events = envelope.events.map((event) => (event.version < 3 ? { ...event, type: Other.type } : event));
    await handler(kinesisEvent([{ ...envelope, events }]));
    expect(positions.items.get('ledger|a')).toBe(2);
    expect(positions.parked.get('ledger|a')?.version).toBe(3);
  });

  test.each<[string, (given: ReturnType<typeof setup>) => Partial<Options>]>([
    [
      'a throttled position',
      ({ positions }) => ({ positions: { ...positions, commit: () => reject('ThrottlingException') } }),
    ],
    ['a table that does not answer', () => ({ table: { query: () => fails('TimeoutError') } })],
    [
      'what an effect itself reads, throttled',
      () => ({ effect: () => Promise.reject(Object.assign(new Error('slow down'), { $retryable: {} })) }),
    ],
    [
      'what an effect reads of DynamoDB, throttled, as the SDK says it',
      () => ({ effect: () => Promise.reject(new ProvisionedThroughputExceededException(THROTTLED)) }),
    ],
    ['the network between an effect and what it asks', () => ({ effect: () => fetch('http://127.0.0.1:2') as never })],
  ])('is not counted when it is %s', async (_, change) => {
    const base = setup({ attempts: 1 });
    const handler = consumeEvents({ ...base.given, ...change(base) } as Options);
    // The first does not come, so that the table is read.
    for (let i = 0; i < 3; i++) expect(failures(await handler(kinesisEvent([full('a', 2, 2)])))).toEqual(['1']);
    expect(base.positions.parked.size).toBe(0);
    expect(base.counts.AttemptsFailed).toBeUndefined();
  });

  test.each<[string, string, (given: ReturnType<typeof setup>) => Partial<Options>]>([
    ['an effect that DynamoDB refuses', 'feed.effectInvalid', () => ({ effect: (() => undefined) as never })],
    ['an effect of which an item is none', 'feed.effectInvalid', () => ({ effect: (() => [null]) as never })],
    [
      'an item of the table that is no event',
      'event.missingAttribute',
      ({ events }) => {
        const { query } = events.table;
        return {
          table: {
            async *query(aggregate, options) {
              for await (const page of query(aggregate, options)) {
                if (page.some(({ version }) => version === 2)) throw unreadable;
                yield page;
              }
            },
          },
        };
      },
    ],
    [
      'data that is no JSON',
      'event.corrupt',
      ({ events }) => {
        events.put(storedEvent('a', 2, { data: '{' }));
        return {};
      },
    ],
  ])('parks for %s', async (_, code, change) => {
    const base = setup({ attempts: 1 });
    const handler = consumeEvents({ ...base.given, ...change(base) } as Options);
    expect(failures(await handler(kinesisEvent([full('a', 3, 3)])))).toEqual([]);
    expect(base.positions.parked.get('ledger|a')).toMatchObject({
      code,
      message: expect.stringMatching(/ of .*a\b|a:1/),
    });
  });

  test('an upcast that quotes the data does not have it kept', async () => {
    const { given, positions, seen } = setup({ attempts: 1 });
    const Changed = defineEvent({
      type: 'MoneyDeposited',
      schemaVersion: 2,
      data: { type: 'object' },
      upcasts: {
        1: (data) => {
          throw new Error(`cannot do ${JSON.stringify(data)}`);
        },
      },
    });
    await consumeEvents({ ...given, events: [Changed] } as unknown as Options)(kinesisEvent([full('a', 1, 1)]));
    expect(positions.parked.get('ledger|a')).toMatchObject({ code: 'event.upcastFailed', message: '' });
    expect(JSON.stringify(seen.map(({ notes }) => notes))).not.toContain('cannot do');
  });

  test('a gap that is filled later is done with the next arrival, and nobody has to say so', async () => {
    const { handler, events, positions, done } = setup({ attempts: 1 });
    for (const version of [1, 2, 4]) events.put(storedEvent('c', version));
    await handler(kinesisEvent([full('c', 4, 4)]));
    expect(positions.parked.get('ledger|c')).toMatchObject({ code: 'feed.gapUnfilled', version: 3 });
    await handler(kinesisEvent([full('c', 4, 4)]));
    expect(positions.parked.size).toBe(1);
    events.put(storedEvent('c', 3));
    await handler(kinesisEvent([full('c', 4, 4)]));
    expect(positions.parked.size).toBe(0);
    expect(done).toEqual(['c:1', 'c:2', 'c:3', 'c:4']);
  });
});

const reject = (name: string) => Promise.reject(Object.assign(new Error(name), { name }));
// biome-ignore lint/correctness/useYield: it fails before
async function* fails(name: string): AsyncGenerator<readonly StoredEvent[]> {
  await reject(name);
}
const unreadable = new DaybookError('event.missingAttribute', { aggregateUuid: 'a', version: 2, attribute: 'Data' });

describe('what its table refuses', () => {
  test.each([
    new DaybookError('feed.effectRefused', { consumer: 'ledger', aggregate: 'a', version: 2, reasons: ['item 0: x'] }),
    new DaybookError('feed.effectInvalid', { consumer: 'ledger', aggregate: 'a', version: 2, problem: 'too many' }),
  ])('$code of an effect is counted, and parks', async (refusal) => {
    const { given, positions } = setup({ attempts: 2 });
    const commit: typeof positions.commit = (move, items) =>
      move.to === 2 ? Promise.reject(refusal) : positions.commit(move, items);
    const handler = consumeEvents({ ...given, positions: { ...positions, commit } });
    expect(failures(await handler(kinesisEvent([full('a', 1, 3)])))).toEqual(['1']);
    expect(failures(await handler(kinesisEvent([full('a', 1, 3)])))).toEqual([]);
    expect(positions.parked.get('ledger|a')).toMatchObject({ version: 2, code: refusal.code });
  });

  test('a server’s error is not counted, whatever else is thrown is', async () => {
    const thrown: unknown[] = [Object.assign(new Error('down'), { $metadata: { httpStatusCode: 503 } }), 'text'];
    const { handler, counts } = setup({ effect: () => Promise.reject(thrown.shift()) });
    for (const counted of [undefined, 1]) {
      expect(failures(await handler(kinesisEvent([full('a', 1, 1)])))).toEqual(['1']);
      expect(counts.AttemptsFailed).toBe(counted);
    }
  });
});

describe('what waits', () => {
  test('is the highest version that came, whatever came last', async () => {
    const { handler, poison, positions } = setup({ attempts: 1 });
    poison.add('a:2');
    await handler(kinesisEvent([full('a', 1, 4), full('a', 2, 3)]));
    expect(positions.parked.get('ledger|a')).toMatchObject({ version: 2, waiting: 4 });
  });

  test('is done at once when the aggregate goes on between the look and the note', async () => {
    const { given, positions, poison, done } = setup({ attempts: 1 });
    poison.add('a:1');
    await consumeEvents(given)(kinesisEvent([full('a', 1, 1)]));
    poison.clear();
    const move = { consumer: 'ledger', aggregate: 'a', from: 0, parked: true };
    const wait: typeof positions.wait = async (...of) => {
      await positions.commit({ ...move, to: 1 }, ['a:1']);
      expect(await positions.unpark({ ...move, from: 1 })).toBe(true);
      return positions.wait(...of);
    };
    const handler = consumeEvents({ ...given, positions: { ...positions, wait } });
    expect(failures(await handler(kinesisEvent([full('a', 2, 3)])))).toEqual([]);
    expect(done).toEqual(['a:1', 'a:2', 'a:3']);
  });
});

describe('a redrive', () => {
  test.each([4, 6])(
    'does not park at version %i, which is no event, when nothing waits beyond it',
    async (unreadable) => {
      const events = memoryEvents({ pageSize: 1 });
      for (let v = 1; v <= 6; v++) events.put(storedEvent('a', v));
      const table: Options['table'] = {
        async *query(aggregate, options) {
          for await (const page of events.table.query(aggregate, options)) {
            const [{ version }] = page as [StoredEvent];
            if (version === unreadable)
              throw new DaybookError('event.unknownFormat', { aggregateUuid: aggregate, version, format: '9' });
            yield page;
          }
        },
      };
      const { handler, poison, done, positions } = setup({ table, attempts: 1 });
      poison.add('a:2');
      await handler(kinesisEvent([full('a', 1, 3)]));
      expect(positions.parked.get('ledger|a')).toMatchObject({ version: 2, waiting: 3 });
      poison.clear();
      const answer = await handler({ daybook: 'redrive', aggregates: ['a'] });
      const reached = unreadable === 6 ? 3 : unreadable - 1;
      expect(answer).toMatchObject({ outcomes: [{ outcome: 'wentOn', position: reached }] });
      expect(positions.parked.size).toBe(0);
      expect(done).toEqual(['a:1', 'a:2', 'a:3']);
    },
  );

  const parkedAtTwo = async () => {
    const all = setup({ attempts: 1 });
    all.poison.add('a:2');
    await all.handler(kinesisEvent([full('a', 1, 3)]));
    all.poison.clear();
    return all;
  };

  test('goes on to everything in the table, and says how far', async () => {
    const { handler, done, positions } = await parkedAtTwo();
    expect(await handler({ daybook: 'redrive', aggregates: ['a', 'b'] })).toEqual({
      daybook: 'redriven',
      consumer: 'ledger',
      outcomes: [
        { aggregate: 'a', outcome: 'wentOn', position: 6 },
        { aggregate: 'b', outcome: 'notParked', position: 0 },
      ],
    });
    expect(done).toEqual(['a:1', 'a:2', 'a:3', 'a:4', 'a:5', 'a:6']);
    expect(positions.parked.size).toBe(0);
  });

  test('meets an arrival between its last look and its end: that one is not lost', async () => {
    const { positions, given, done, events } = await parkedAtTwo();
    let asked = 0;
    const racing = {
      ...positions,
      async unpark(move: Parameters<typeof positions.unpark>[0]) {
        if (asked++ === 0) {
          events.put(storedEvent('a', 7));
          expect((await positions.wait('ledger', 'a', 7)).parked?.waiting).toBe(7); // dropped by a live batch
        }
        return await positions.unpark(move);
      },
    };
    const handler = consumeEvents({ ...given, positions: racing });
    const { outcomes } = await handler({ daybook: 'redrive', aggregates: ['a'] });
    expect(outcomes).toEqual([{ aggregate: 'a', outcome: 'wentOn', position: 7 }]);
    expect(asked).toBe(2);
    expect(done.at(-1)).toBe('a:7');
  });

  test('stops at a hole above all that waits: that comes by itself', async () => {
    const { handler, events } = await parkedAtTwo();
    events.put(storedEvent('a', 8)); // 7 is not visible yet
    const { outcomes } = await handler({ daybook: 'redrive', aggregates: ['a'] });
    expect(outcomes).toEqual([{ aggregate: 'a', outcome: 'wentOn', position: 6 }]);
  });

  test('parks at a hole where something waits: that has come, and is to be done', async () => {
    const { handler, positions } = await parkedAtTwo();
    await positions.wait('ledger', 'a', 7); // it came, and the table does not show it yet
    const { outcomes } = await handler({ daybook: 'redrive', aggregates: ['a'] });
    expect(outcomes).toEqual([{ aggregate: 'a', outcome: 'parked', version: 7, code: 'feed.gapUnfilled' }]);
  });

  test('that fails again says where and stays parked since when it was', async () => {
    const { given, poison, positions } = await parkedAtTwo();
    poison.add('a:2');
    const handler = consumeEvents({ ...given, clock: { now: () => NOW + 60_000 } });
    const { outcomes } = await handler({ daybook: 'redrive', aggregates: ['a'] });
    expect(outcomes).toEqual([{ aggregate: 'a', outcome: 'parked', version: 2, code: 'TypeError' }]);
    const since = new Date(NOW).toISOString();
    expect(positions.parked.get('ledger|a')).toMatchObject({ version: 2, waiting: 3, since });
  });

  test.each([
    [{ daybook: 'rewind', aggregates: ['a'] }, 'there is "redrive"'],
    [{ daybook: 'redrive' }, 'no list of 1 to 100'],
    [{ daybook: 'redrive', aggregates: [] }, 'no list of 1 to 100'],
    [{ daybook: 'redrive', aggregates: Array(101).fill('a') }, 'no list of 1 to 100'],
    [{ daybook: 'redrive', aggregates: [''] }, 'an aggregate is no text'],
    [{ daybook: 'redrive', aggregates: ['a', 'a'] }, 'it names an aggregate twice'],
    [{ daybook: 'redrive', aggregates: ['a'], skip: 0 }, 'skip is no version'],
    [{ daybook: 'redrive', aggregates: ['a', 'b'], skip: 1 }, 'of one aggregate only'],
    [{ daybook: 'redrive', aggregates: ['a'], all: true }, 'it has a field all'],
    [{ daybook: 'redrive', aggregates: ['a'], consumer: 'x' }, 'it is for the consumer "x"'],
  ])('%j is refused with a code', async (request, problem) => {
    await expect(setup().handler(request)).rejects.toMatchObject({
      code: 'feed.redriveInvalid',
      message: expect.stringContaining(problem),
    });
  });
});

describe('what acts outside', () => {
  test('does not do again what another has done, or parked, by the time that it has the lease', async () => {
    const { given, positions } = setup();
    const { effect: _, ...rest } = given;
    const acted: string[] = [];
    const at = (aggregate: string) => ({ consumer: 'ledger', aggregate, from: 0 });
    const parking = { version: 1, waiting: 1, since: '', code: 'x', message: '', function: '' };
    const lease: typeof positions.lease = async (of) => {
      await positions.commit({ ...at('a'), to: 1 }, []);
      await positions.fail({ ...at('b'), to: 0 }, parking);
      return positions.lease(of);
    };
    const handler = consumeEvents({
      ...rest,
      positions: { ...positions, lease },
      act: (_, { idempotencyKey }) => acted.push(idempotencyKey),
    });
    expect(failures(await handler(kinesisEvent([full('a', 1, 2), full('b', 1, 2)])))).toEqual([]);
    expect(acted).toEqual(['a:2']);
    expect(positions.parked.get('ledger|b')).toMatchObject({ version: 1, waiting: 2 });
  });

  test('a version that a person gives up is counted, and the lease is free after a redrive', async () => {
    const { given, positions, counts, seen } = setup({ attempts: 1 });
    const { effect: _, ...rest } = given;
    const acted: string[] = [];
    const act = (_: unknown, { idempotencyKey }: EffectContext) => {
      if (idempotencyKey === 'a:2') throw new Error('no');
      acted.push(idempotencyKey);
    };
    const handler = consumeEvents({ ...rest, act });
    await handler(kinesisEvent([full('a', 1, 3)]));
    const { outcomes } = await handler({ daybook: 'redrive', aggregates: ['a'], skip: 2 });
    expect(outcomes).toEqual([{ aggregate: 'a', outcome: 'wentOn', position: 6 }]);
    expect(acted).toEqual(['a:1', 'a:3', 'a:4', 'a:5', 'a:6']);
    expect(counts.EventsSkipped).toBe(1);
    expect(seen.flatMap(({ notes }) => notes)).toContainEqual(
      expect.objectContaining({ what: 'eventSkipped', aggregate: 'a', version: 2, code: 'Error' }),
    );
    const lease = { consumer: 'ledger', aggregate: 'a', holder: 'another', until: NOW + 1, now: NOW };
    expect(await positions.lease(lease)).toEqual({ position: 6, attempts: 0 });
    const again = await handler({ daybook: 'redrive', aggregates: ['a'], skip: 7 });
    expect(again.outcomes).toEqual([{ aggregate: 'a', outcome: 'failed', code: 'feed.skipRefused' }]);
  });

  test('is busy where another holds the lease: it is given back, not counted', async () => {
    const { given, positions, counts } = setup({ attempts: 1 });
    const { effect: _, ...rest } = given;
    const acted: string[] = [];
    const notes: unknown[] = [];
    const handler = consumeEvents({
      ...rest,
      report: (observed) => {
        given.report(observed);
        notes.push(...observed.notes);
      },
      act: (_, { idempotencyKey }) => acted.push(idempotencyKey),
    });
    const lease = { consumer: 'ledger', aggregate: 'a', holder: 'another', until: NOW + 1000, now: NOW };
    await positions.lease(lease);
    expect(failures(await handler(kinesisEvent([full('b', 1, 1), full('a', 1, 1)])))).toEqual(['2']);
    expect(acted).toEqual(['b:1']);
    expect(notes).toMatchObject([{ code: 'feed.aggregateBusy' }]);
    expect(counts.AttemptsFailed).toBeUndefined();
    await positions.release(lease);
    expect(failures(await handler(kinesisEvent([full('a', 1, 1)])))).toEqual([]);
    expect(acted).toEqual(['b:1', 'a:1']);
  });

  test('does not move the position once the lease is another’s', async () => {
    const { given, positions } = setup();
    const { effect: _, ...rest } = given;
    let now = NOW;
    const acted: string[] = [];
    const handler = consumeEvents({
      ...rest,
      clock: { now: () => now },
      act: async (_, { idempotencyKey }) => {
        acted.push(idempotencyKey);
        if (acted.length > 1) return;
        now += 1_000_000; // far beyond what it was given
        await positions.lease({ consumer: 'ledger', aggregate: 'a', holder: 'another', until: now + 1, now });
      },
    });
    expect(failures(await handler(kinesisEvent([full('a', 1, 1)])))).toEqual(['1']);
    expect(positions.items.get('ledger|a')).toBeUndefined();
    now += 2;
    expect(failures(await handler(kinesisEvent([full('a', 1, 1)])))).toEqual([]);
    expect(acted).toEqual(['a:1', 'a:1']);
  });
});

describe('a feed over a table that was there before', () => {
  test('begins behind its base, from the feed and from the bus', async () => {
    const { handler, done, positions } = setup();
    await handler(kinesisEvent([full('a', 4, 4, 3)]));
    await handler(delivered('b', 3, 2));
    await handler({ Records: [message('b', 4)] });
    expect(done).toEqual(['a:4', 'b:3', 'b:4']);
    expect(positions.items.get('ledger|b')).toBe(4);
  });

  test('begins at the start where that is wanted: what was there is read in order', async () => {
    const { handler, done } = setup({ from: 'start' });
    await handler(kinesisEvent([full('a', 4, 4, 3)]));
    await handler(delivered('b', 3, 2));
    expect(done).toEqual(['a:1', 'a:2', 'a:3', 'a:4', 'b:1', 'b:2', 'b:3']);
  });

  test('what fails first is counted behind the base', async () => {
    const { handler, poison, positions, done } = setup({ attempts: 2 });
    poison.add('a:4');
    for (let i = 0; i < 2; i++) await handler(kinesisEvent([full('a', 4, 4, 3)]));
    expect(positions.parked.get('ledger|a')?.version).toBe(4);
    poison.clear();
    await handler({ daybook: 'redrive', aggregates: ['a'] });
    expect(done).toEqual(['a:4', 'a:5', 'a:6']); // the redrive knows no base, and needs none
  });
});

describe('a FIFO queue', () => {
  test('is given back all of a group from its first failure on, other groups go on', async () => {
    const { handler, poison, done } = setup();
    poison.add('a:2');
    const Records = [
      message('a', 1, 'one'),
      message('b', 1, 'one'),
      message('a', 2, 'one'),
      message('b', 2, 'one'),
      message('a', 3, 'two'),
    ];
    // The last is of another group, but of the aggregate that failed.
    expect(failures(await handler({ Records }))).toEqual(['a:2', 'b:2', 'a:3']);
    expect([...done].sort()).toEqual(['a:1', 'b:1', 'b:2']);
    poison.clear();
    expect(failures(await handler({ Records: Records.slice(2) }))).toEqual([]);
    expect([...done].sort()).toEqual(['a:1', 'a:2', 'a:3', 'b:1', 'b:2']); // b:2 was known
  });
});

describe('data', () => {
  const given = async (event: StoredEvent, how: 'bus' | 'feed', options: Partial<Options> = {}) => {
    let found: { data: unknown; context: EffectContext } | undefined;
    let queries = 0;
    const { given, events } = setup();
    events.put(event);
    const handler = consumeEvents({
      ...given,
      ...options,
      table: {
        query: (...args: Parameters<typeof events.table.query>) => {
          queries++;
          return events.table.query(...args);
        },
      },
      effect: ({ data }: { data: unknown }, context: EffectContext) => {
        found = { data, context };
        return [];
      },
    } as Options);
    const { detailType, detail } = toBusEvent('feed-1', event);
    const { aggregateUuid } = event;
    if (how === 'bus') await handler(deliveredEvent(detailType, detail));
    else await handler(kinesisEvent([full(aggregateUuid, 1, 1)]));
    return { ...found!, queries: () => queries };
  };

  test('that a bus brings is not made into text and parsed again', async () => {
    const { detailType, detail } = toBusEvent('feed-1', storedEvent('a', 1));
    const event = deliveredEvent(detailType, detail);
    let found: unknown;
    const { given } = setup();
    const handler = consumeEvents({
      ...given,
      effect: (({ data }: { data: unknown }) => {
        found = data;
        return [];
      }) as never,
    });
    const stringify = vi.spyOn(JSON, 'stringify');
    const parse = vi.spyOn(JSON, 'parse');
    await handler(event);
    const calls = stringify.mock.calls.length + parse.mock.calls.length;
    vi.restoreAllMocks();
    expect(calls).toBe(0);
    expect(found).toBe((event.detail as { data: unknown }).data);
  });

  test('is there to its last digit for who asks, and read only then', async () => {
    const event = storedEvent('z', 1, { data: '{"amount":9007199254740993,"rate":0.12345678901234567890}' });
    const { data, context, queries } = await given(event, 'bus');
    expect(data).toEqual({ amount: 9007199254740992, rate: 0.12345678901234568 }); // all that a number can carry
    expect(queries()).toBe(0);
    expect((await context.stored()).data).toBe(event.data);
    expect(queries()).toBe(1);
    const fed = await given(storedEvent('a', 1), 'feed');
    expect((await fed.context.stored()).data).toBe('{"amount":1}');
    expect(fed.queries()).toBe(0);
  });

  test('of an older schema is upcast from what is stored', async () => {
    const Changed = defineEvent({
      type: 'MoneyDeposited',
      schemaVersion: 2,
      data: { type: 'object' },
      upcasts: { 1: (_, stored) => ({ text: stored.data }) },
    });
    const event = storedEvent('z', 1, { data: '{"amount":9007199254740993}' });
    const { data } = await given(event, 'bus', { events: [Changed] } as never);
    expect(data).toEqual({ text: event.data });
  });

  test('comes with the trace that its event was appended in', async () => {
    const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
    const traced = storedEvent('z', 1, { metadata: JSON.stringify({ traceparent }) });
    expect((await given(traced, 'bus')).context.traceparent).toBe(traceparent);
    const untraced = storedEvent('z', 1, { metadata: '{"traceparent":"x"}' });
    expect('traceparent' in (await given(untraced, 'bus')).context).toBe(false);
  });
});

describe('what an operator sees', () => {
  test('lag and parked aggregates, by consumer and over all', async () => {
    const lines: string[] = [];
    const report = createReport({
      namespace: 'Daybook',
      feed: 'feed-1',
      consumer: 'ledger',
      function: 'f',
      now: () => NOW,
      write: (line) => lines.push(line),
    });
    const { given, poison } = setup({ attempts: 1 });
    poison.add('a:2');
    await consumeEvents({ ...given, report })(kinesisEvent([full('a', 1, 2)]));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ what: 'aggregateParked', consumer: 'ledger', aggregate: 'a', version: 2, attempts: 1 }),
      {
        _aws: {
          Timestamp: NOW,
          CloudWatchMetrics: [
            {
              Namespace: 'Daybook',
              Dimensions: [['Feed'], ['Feed', 'Consumer']],
              Metrics: expect.arrayContaining([
                { Name: 'ParkedAggregates', Unit: 'Count' },
                { Name: 'Lag', Unit: 'Milliseconds' },
              ]),
            },
          ],
        },
        Feed: 'feed-1',
        Consumer: 'ledger',
        function: 'f',
        EventsHandled: 1,
        AttemptsFailed: 1,
        AggregatesParked: 1,
        ParkedAggregates: 1,
        Lag: 5000,
      },
    ]);
  });
});

describe('refused when it is made', () => {
  const { given } = setup();
  const { effect, ...rest } = given;
  test.each([
    ['neither effect nor act', rest, 'feed.consumerEffect'],
    ['both', { ...given, act: effect }, 'feed.consumerEffect'],
    ['no attempts', { ...given, attempts: 0 }, 'feed.consumerOption'],
    ['half a lane', { ...given, concurrency: 0.5 }, 'feed.consumerOption'],
    ['another beginning', { ...given, from: 'now' }, 'feed.consumerOption'],
  ])('%s', (_, options, code) => {
    expect(() => consumeEvents(options as unknown as Options)).toThrow(code);
  });
});

test('with little time left it stops between two events, and says so', async () => {
  const { handler, done, seen } = setup();
  let asks = 0;
  const context = { getRemainingTimeInMillis: () => (asks++ < 1 ? 60_000 : 100) };
  expect(failures(await handler(kinesisEvent([full('a', 1, 4)]), context))).toEqual(['1']);
  expect(done).toEqual(['a:1']); // one at least, or it would never come forward
  expect(seen[0]!.notes).toMatchObject([{ code: 'feed.outOfTime' }]);
  expect(failures(await handler(kinesisEvent([full('a', 1, 4)])))).toEqual([]);
});

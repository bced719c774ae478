import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { defineEvent } from '../../../../src/event/event-definition.ts';
import type { StoredEvent } from '../../../../src/event/stored-event.ts';
import { toBusEvent, toBusReference } from '../../../../src/feed/bus-event.ts';
import { type ConsumeEventsOptions, consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import { emptyEnvelope, filledEnvelope, toEnvelopeEvent } from '../../../../src/feed/envelope.ts';
import type { Observed } from '../../../../src/feed/observed.ts';
import { memoryEvents, memoryPositions } from '../../../simulation/memory-ports.ts';
import { deliveredEvent, kinesisEvent, storedEvent } from '../../../simulation/records.ts';

const MoneyDeposited = defineEvent({
  type: 'MoneyDeposited',
  data: { type: 'object', properties: { amount: { type: 'integer' } }, required: ['amount'] },
});
const AccountClosed = defineEvent({ type: 'AccountClosed', data: { type: 'object', properties: {} } });

type Defined = typeof MoneyDeposited | typeof AccountClosed;

/** A ledger in the same store as the positions: an item is a line of it. */
type Given = ConsumeEventsOptions<Defined, string> & { readonly act?: undefined };

function setup(options: Partial<Given> = {}) {
  const events = memoryEvents({ pageSize: 100 });
  const ledger: string[] = [];
  const positions = memoryPositions<string>((item) => ledger.push(item));
  const given: Given = {
    name: 'ledger',
    feed: 'feed-1',
    events: [MoneyDeposited, AccountClosed],
    positions,
    table: events.table,
    effect: (event) => [`${event.aggregateUuid}:${event.version}`],
    ...options,
  };
  return { events, ledger, positions, given, handler: consumeEvents(given) };
}

const full = (aggregate: string, from: number, to: number, more: Partial<StoredEvent> = {}) =>
  filledEnvelope(
    'feed-1',
    aggregate,
    from,
    to,
    Array.from({ length: to - from + 1 }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, from + i, more))),
  );
const delivered = (aggregate: string, version: number, feed = 'feed-1') => {
  const { detailType, detail } = toBusEvent(feed, storedEvent(aggregate, version));
  return deliveredEvent(detailType, detail);
};
const queued = (...events: readonly unknown[]) => ({
  Records: events.map((event, i) => ({
    messageId: `m${i + 1}`,
    body: typeof event === 'string' ? event : JSON.stringify(event),
    eventSource: 'aws:sqs',
  })),
});

describe('from the feed', () => {
  test('each event once and in order, with the position', async () => {
    const { handler, ledger, positions } = setup();
    expect(await handler(kinesisEvent([full('a', 1, 2), full('b', 1, 1), full('a', 1, 3)]))).toEqual({
      batchItemFailures: [],
    });
    expect(ledger.filter((line) => line.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3']);
    expect(ledger).toContain('b:1');
    expect(positions.items.get('ledger|a')).toBe(3);
    await handler(kinesisEvent([full('a', 1, 3)]));
    expect(ledger).toHaveLength(4);
  });

  test('the event is typed by its definition, its data parsed', async () => {
    const seen: unknown[] = [];
    const { handler } = setup({
      effect: (event, { idempotencyKey }) => {
        if (event.type === 'MoneyDeposited') expectTypeOf(event.data.amount).toEqualTypeOf<number>();
        seen.push(event, idempotencyKey);
        return [];
      },
    });
    await handler(kinesisEvent([full('a', 1, 1, { metadata: '{"who":"me"}' })]));
    expect(seen).toEqual([
      {
        aggregateUuid: 'a',
        aggregateType: 'Account',
        version: 1,
        type: 'MoneyDeposited',
        schemaVersion: 1,
        commitId: 'commit-1',
        recordedAt: '2026-01-02T03:04:05.678Z',
        occurredAt: '2026-01-02T03:04:05.678Z',
        data: { amount: 1 },
        metadata: { who: 'me' },
      },
      'a:1',
    ]);
  });

  test('events of no interest move the position, without an effect', async () => {
    const { handler, ledger, positions } = setup();
    const envelope = full('a', 1, 4);
    const events = envelope.events.map((event) => ({
      ...event,
      type: event.version === 2 ? event.type : 'HolderRenamed',
    }));
    await handler(kinesisEvent([{ ...envelope, events }]));
    expect(ledger).toEqual(['a:2']);
    expect(positions.items.get('ledger|a')).toBe(4);
  });

  test('on a long way of no interest the position is kept now and then, and at its end', async () => {
    const { given, events, positions } = setup();
    const kept: number[] = [];
    const commit: typeof positions.commit = (move, items) => {
      kept.push(move.to);
      return positions.commit(move, items);
    };
    for (let version = 1; version <= 1200; version++) events.put(storedEvent('a', version, { type: 'Other' }));
    await consumeEvents({ ...given, positions: { ...positions, commit } })(
      kinesisEvent([emptyEnvelope('feed-1', 'a', 1201, 1201)]),
    );
    expect(kept).toEqual([500, 1000, 1200]);
  });

  test('what did not come is read from the table; an empty envelope tells of it too', async () => {
    const { handler, events, ledger } = setup();
    for (const version of [1, 2, 3]) events.put(storedEvent('a', version));
    await handler(kinesisEvent([full('a', 3, 3)]));
    events.put(storedEvent('b', 1));
    await handler(kinesisEvent([emptyEnvelope('feed-1', 'b', 2, 2)]));
    expect(ledger).toEqual(['a:1', 'a:2', 'a:3', 'b:1']);
  });

  test('an event that fails stops its aggregate; others go on; the answer names the first', async () => {
    let failing = true;
    const { handler, ledger, given } = setup();
    const flaky = consumeEvents({
      ...given,
      effect: (event) => {
        if (failing && event.aggregateUuid === 'a' && event.version === 2) throw new Error('sink is down');
        return [`${event.aggregateUuid}:${event.version}`];
      },
    });
    const batch = kinesisEvent([full('b', 1, 1), full('a', 1, 3), full('a', 4, 4), full('b', 2, 2)]);
    expect(await flaky(batch)).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect([...ledger].sort()).toEqual(['a:1', 'b:1', 'b:2']);
    failing = false;
    expect(await handler(batch)).toEqual({ batchItemFailures: [] });
    expect(ledger.filter((line) => line.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3', 'a:4']);
    expect(ledger).toHaveLength(6);
  });

  test('two handlers of one batch at once: each effect once', async () => {
    const { handler, ledger } = setup();
    const batch = kinesisEvent([full('a', 1, 20)]);
    await Promise.all([handler(batch), handler(batch), handler(batch)]);
    expect(ledger).toEqual(Array.from({ length: 20 }, (_, i) => `a:${i + 1}`));
  });

  test('a position that others move for ever fails with a code', async () => {
    const { positions, given } = setup();
    const stuck = { ...positions, commit: async () => false };
    const notes: unknown[] = [];
    const pauses = { random: () => 0.5, sleep: async () => {} };
    const handler = consumeEvents({ ...given, positions: stuck, pauses, report: (seen) => notes.push(...seen.notes) });
    expect(await handler(kinesisEvent([full('a', 1, 1)]))).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(notes[0]).toMatchObject({ code: 'feed.positionBusy' });
  });
});

describe('what acts outside', () => {
  test('comes at least once, in order; the position follows; one lease for the batch, given back at its end', async () => {
    const { given, positions } = setup();
    const { effect: _, ...rest } = given;
    const acted: string[] = [];
    const calls: string[] = [];
    const counted = {
      ...positions,
      lease: (lease: Parameters<typeof positions.lease>[0]) => {
        calls.push('lease');
        return positions.lease(lease);
      },
      commit: (move: Parameters<typeof positions.commit>[0]) => {
        calls.push(`to ${move.to}${move.release === true ? ', lease given back' : ''}`);
        return positions.commit(move, []);
      },
      release: async () => void calls.push('release'),
    };
    const handler = consumeEvents({
      ...rest,
      positions: counted,
      act: async (_, { idempotencyKey }) => void acted.push(idempotencyKey),
    });
    await handler(kinesisEvent([full('a', 1, 2), full('a', 3, 3)]));
    expect(acted).toEqual(['a:1', 'a:2', 'a:3']);
    expect(positions.items.get('ledger|a')).toBe(3);
    expect(calls).toEqual(['lease', 'to 1', 'to 2', 'to 3, lease given back']);
    await handler(kinesisEvent([full('a', 1, 3)])); // known: not even a lease
    expect(calls).toHaveLength(4);
  });
});

describe('from a bus', () => {
  test('directly: repeats are dropped, what is missing is read, late ones are known', async () => {
    const { handler, events, ledger } = setup();
    for (const version of [1, 2, 3, 4]) events.put(storedEvent('a', version));
    for (const version of [1, 1, 4, 2, 3]) expect(await handler(delivered('a', version))).toBeUndefined();
    expect(ledger).toEqual(['a:1', 'a:2', 'a:3', 'a:4']);
  });

  test('a reference is read from the table', async () => {
    const { handler, events, ledger } = setup();
    events.put(storedEvent('a', 1));
    const { detailType, detail } = toBusReference('feed-1', storedEvent('a', 1), 'tooLarge');
    await handler(deliveredEvent(detailType, detail));
    expect(ledger).toEqual(['a:1']);
  });

  test('a failure is thrown: Lambda tries again', async () => {
    const { given } = setup();
    const handler = consumeEvents({ ...given, effect: () => Promise.reject(new Error('sink is down')) });
    await expect(handler(delivered('a', 1))).rejects.toMatchObject({
      code: 'feed.notDone',
      details: { aggregate: 'a', version: 1, code: 'Error' },
      cause: { message: 'sink is down' },
    });
  });

  test('another feed’s event is counted and does nothing', async () => {
    const counts: [string, number][] = [];
    const { given, ledger } = setup();
    const handler = consumeEvents({ ...given, report: (seen) => counts.push(...seen.counts) });
    await handler(delivered('a', 1, 'feed-0'));
    expect(ledger).toEqual([]);
    expect(counts).toContainEqual(['EnvelopesRefused', 1]);
  });

  test.each([
    ['another source', { ...delivered('a', 1), source: 'aws.s3' }],
    ['no version', deliveredEvent('X', '{"feed":"f","aggregateUuid":"a"}')],
    ['a version that is none', { ...delivered('a', 1), detail: { ...Object(delivered('a', 1).detail), version: 0 } }],
    ['no aggregate', { ...delivered('a', 1), detail: { ...Object(delivered('a', 1).detail), aggregateUuid: '' } }],
    ['a base that is none', { ...delivered('a', 1), detail: { ...Object(delivered('a', 1).detail), base: -1 } }],
    ['no commit', { ...delivered('a', 1), detail: { ...Object(delivered('a', 1).detail), commitId: undefined } }],
    ['no data', deliveredEvent('X', '{"feed":"f","aggregateUuid":"a","version":1}')],
  ])('%s is refused with a code', async (_, event) => {
    await expect(setup().handler(event)).rejects.toThrow(/^feed.messageUnknown/);
  });
});

describe('from a queue', () => {
  test('in the order of versions, whatever the order of messages', async () => {
    const { handler, ledger } = setup();
    const batch = queued(delivered('a', 3), delivered('b', 1), delivered('a', 1), delivered('a', 2));
    expect(await handler(batch)).toEqual({ batchItemFailures: [] });
    expect(ledger.filter((line) => line.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3']);
  });

  test('a message that fails takes the later ones of its aggregate along, and no others', async () => {
    const { given, ledger } = setup();
    const handler = consumeEvents({
      ...given,
      effect: (event) => {
        if (event.aggregateUuid === 'a' && event.version === 2) throw new Error('sink is down');
        return [`${event.aggregateUuid}:${event.version}`];
      },
    });
    const answer = await handler(queued(delivered('a', 3), delivered('a', 1), delivered('b', 1), delivered('a', 2)));
    expect(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(['m1', 'm4']);
    expect([...ledger].sort()).toEqual(['a:1', 'b:1']);
  });

  test('another feed’s message is done with, counted, and does nothing', async () => {
    const { given, ledger } = setup();
    const counts = new Map<string, number>();
    const report = (seen: Observed) => {
      for (const [name, count] of seen.counts) counts.set(name, count);
    };
    const handler = consumeEvents({ ...given, report });
    expect(await handler(queued(delivered('a', 1, 'feed-0'), 'no JSON'))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm2' }],
    });
    expect(ledger).toEqual([]);
    expect(Object.fromEntries(counts)).toEqual({ EnvelopesRefused: 1, RecordsFailed: 1 });
  });

  test('what is no bus event fails alone: it ends in the queue’s dead letters', async () => {
    const { handler, ledger } = setup();
    const answer = await handler(queued('not json', { source: 'aws.s3', detail: {} }, delivered('a', 1)));
    expect(answer?.batchItemFailures).toEqual([{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }]);
    expect(ledger).toEqual(['a:1']);
  });
});

test('in Lambda what it sees is reported where nobody says otherwise, and nowhere else', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue();
  try {
    await setup({ from: 'base' }).handler(kinesisEvent([full('a', 1, 1)]));
    expect(log.mock.calls).toEqual([]);
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'fees');
    await setup().handler(kinesisEvent([full('a', 1, 1)]));
    const line = JSON.parse(String(log.mock.calls[0]?.[0]));
    expect(line).toMatchObject({ Feed: 'feed-1', Consumer: 'ledger', function: 'fees', EventsHandled: 1 });
    expect(line._aws.CloudWatchMetrics[0].Namespace).toBe('Daybook');
  } finally {
    vi.unstubAllEnvs();
    log.mockRestore();
  }
});

describe('refused at the door', () => {
  test.each(['', 'a|b'])('the name %j', (name) => {
    expect(() => setup({ name })).toThrow(/^feed.consumerName/);
  });

  test.each([[null], ['text'], [{}], [{ Records: [{ s3: {} }] }]])('the event %j', async (event) => {
    await expect(setup().handler(event)).rejects.toThrow(/^feed.notABatch/);
  });
});

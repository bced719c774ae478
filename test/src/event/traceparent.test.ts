import { afterEach, describe, expect, test, vi } from 'vitest';
import { createEventStore, defineAggregate, defineEvent, lambdaTrace } from '../../../src/index.ts';
import { memoryEventTable } from '../../../src/testing/index.ts';

const TRACE = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
const OTHER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

const data = { type: 'object' } as const;
const Free = defineEvent({ type: 'Free', data });
const Closed = defineEvent({
  type: 'Closed',
  data,
  metadata: { type: 'object', properties: { by: { type: 'string' } }, additionalProperties: false },
});
const Thing = defineAggregate({
  type: 'Thing',
  events: [Free, Closed],
  initialState: () => ({}),
  evolve: (state) => state,
});

const target = { aggregate: Thing, aggregateUuid: 'a', expectedVersion: 0 } as const;
const metadataOf = async (trace: () => string | undefined, events: Parameters<typeof append>[1]) =>
  append(trace, events);

async function append(
  trace: () => string | undefined,
  events: readonly ({ type: 'Free'; metadata?: object } | { type: 'Closed'; metadata?: { by?: string } })[],
) {
  const store = createEventStore({ table: memoryEventTable(), trace });
  await store.append(target, events.map((event) => ({ data: {}, ...event })) as never);
  const found: unknown[] = [];
  for await (const { metadata } of store.read('a')) found.push(metadata);
  return found;
}

describe('an append', () => {
  test('says in which trace it was', async () => {
    expect(await metadataOf(() => TRACE, [{ type: 'Free' }, { type: 'Free', metadata: { by: 'Bob' } }])).toEqual([
      { traceparent: TRACE },
      { by: 'Bob', traceparent: TRACE },
    ]);
  });

  test('leaves the caller’s own, and a schema that has no room for it', async () => {
    const own = { traceparent: OTHER };
    expect(await metadataOf(() => TRACE, [{ type: 'Free', metadata: own }])).toEqual([own]);
    expect(await metadataOf(() => TRACE, [{ type: 'Closed' }, { type: 'Closed', metadata: { by: 'Bob' } }])).toEqual([
      undefined,
      { by: 'Bob' },
    ]);
  });

  test.each([
    ['nothing', () => undefined],
    ['no trace context', () => 'Root=1-2-3'],
    ['zeros', () => `00-${'0'.repeat(32)}-53995c3f42cd8ad8-01`],
    [
      'a failure',
      () => {
        throw new Error('no tracer');
      },
    ],
  ])('is not stopped by %s', async (_, trace) => {
    expect(await metadataOf(trace, [{ type: 'Free' }])).toEqual([undefined]);
  });

  test('run again in another trace is still the same commit', async () => {
    let trace = TRACE;
    const store = createEventStore({ table: memoryEventTable(), trace: () => trace });
    const event = { type: 'Free', data: {}, metadata: { by: 'Bob' } } as const;
    await store.append(target, [event], { commitId: 'once' });
    trace = OTHER;
    const again = await store.append(target, [event], { commitId: 'once' });
    expect(again).toMatchObject({ alreadyWritten: true, version: 1 });
    const other = { ...event, metadata: { by: 'Eve' } };
    await expect(store.append(target, [other], { commitId: 'once' })).rejects.toMatchObject({
      code: 'append.commitIdReused',
    });
  });
});

describe('Lambda’s trace', () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each([
    ['Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1', TRACE],
    [
      'Sampled=0;Parent=53995c3f42cd8ad8;Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:0',
      `${TRACE.slice(0, -1)}0`,
    ],
    ['Root=1-5759e988-bd862e3fe1be46a994272793', undefined],
    ['', undefined],
  ])('%s is %s', (given, expected) => {
    vi.stubEnv('_X_AMZN_TRACE_ID', given);
    expect(lambdaTrace()).toBe(expected);
  });
});

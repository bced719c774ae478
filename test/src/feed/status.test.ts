import { expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import type { Cursor } from '../../../src/feed/cursor-table.ts';
import { type Behind, feedStatus } from '../../../src/feed/status.ts';
import { memoryCursors, memoryEvents } from '../../simulation/memory-ports.ts';
import { storedEvent } from '../../simulation/records.ts';

const RECORDED = storedEvent('a', 1).recordedAt;
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

function setup(heads: Readonly<Record<string, readonly number[]>>, stale?: (aggregate: string) => Cursor | undefined) {
  const events = memoryEvents({ pageSize: 100 });
  const cursors = memoryCursors(stale);
  const clock = { now: Date.parse(RECORDED) + 60_000 };
  for (const [aggregate, versions] of Object.entries(heads)) {
    for (const version of versions) events.put(storedEvent(aggregate, version));
  }
  const ports = { feed: 'feed-1', cursors, table: events.table, now: () => clock.now };
  const run = async (most?: number) => {
    const behind: Behind[] = [];
    const onBehind = (each: Behind) => behind.push(each);
    const status = await feedStatus(ports, { onBehind, ...(most !== undefined && { most }) });
    return { ...status, named: behind };
  };
  return { events, cursors, clock, ports, run };
}

test('everything is on the feed', async () => {
  const { cursors, run } = setup({ a: upTo(3), b: [1] });
  await cursors.raise('a', 1, 3);
  await cursors.begin('b', { confirmed: 1, base: 1 });
  expect(await run()).toMatchObject({ looked: 2, behind: 0, events: 0, onTheWay: 0, complete: true, named: [] });
});

test('a table that was restored is named: another event under a version that is on the feed, or none', async () => {
  const { cursors, run } = setup({ ended: upTo(2), rewritten: upTo(3), longer: upTo(5) });
  await cursors.raise('longer', 1, 3, 'another');
  await cursors.raise('ended', 1, 3, 'commit-3');
  await cursors.raise('rewritten', 1, 3, 'another');
  const holed = { version: 3, why: 'another history' };
  expect((await run()).named).toEqual([
    { aggregate: 'ended', from: 3, events: 1, holed },
    { aggregate: 'longer', from: 3, events: 1, holed },
    { aggregate: 'rewritten', from: 3, events: 1, holed },
  ]);
});

test('names what is not: from which version, how much, since when, and what it waits for', async () => {
  const { cursors, run, ports, events } = setup({ a: upTo(5), holed: [1, 2, 5, 6], poison: upTo(3), whole: [1] });
  await cursors.raise('a', 1, 2);
  await cursors.raise('holed', 1, 2);
  await cursors.raise('poison', 1, 2);
  await cursors.raise('whole', 1, 1);
  ports.table = {
    ...events.table,
    query: async function* (aggregate, options) {
      for await (const page of events.table.query(aggregate, options)) {
        if (aggregate === 'poison' && page.some(({ version }) => version === 3)) {
          throw new DaybookError('event.encrypted', { aggregateUuid: aggregate, version: 3 });
        }
        yield page;
      }
    },
  };
  const status = await run();
  expect(status).toMatchObject({ looked: 4, behind: 3, events: 3 + 4 + 1, oldest: RECORDED });
  expect(status.named).toEqual([
    { aggregate: 'a', from: 3, events: 3, since: RECORDED },
    { aggregate: 'holed', from: 3, events: 4, since: RECORDED, holed: { version: 3, why: 'missing' } },
    { aggregate: 'poison', from: 3, events: 1, holed: { version: 3, why: 'no event' } },
  ]);
});

test('of an aggregate whose last item is no event, the end that the feed was told of counts', async () => {
  const { cursors, run, ports, events } = setup({ a: upTo(5) });
  await cursors.raise('a', 1, 2);
  await cursors.noteHead('a', 5);
  ports.table = {
    ...events.table,
    query: async function* (aggregate, options) {
      if (options?.reverse) throw new DaybookError('event.encrypted', { aggregateUuid: aggregate, version: 5 });
      yield* events.table.query(aggregate, options);
    },
  };
  expect((await run()).named).toMatchObject([{ aggregate: 'a', from: 3, events: 3 }]);
});

test('what was appended a moment ago is on its way', async () => {
  const { clock, run } = setup({ a: [1] });
  clock.now = Date.parse(RECORDED) + 9_999;
  expect(await run()).toMatchObject({ behind: 0, onTheWay: 1, named: [] });
  clock.now++;
  expect(await run()).toMatchObject({ behind: 1, onTheWay: 0 });
});

test('a time that is none, or far ahead, is not on its way for ever', async () => {
  const { events, run } = setup({});
  events.put(storedEvent('a', 1, { recordedAt: 'yesterday' }));
  events.put(storedEvent('b', 1, { recordedAt: '9999-12-31T23:59:59.999Z' }));
  expect(await run()).toMatchObject({ behind: 2, onTheWay: 0 });
});

test('what fits no envelope, and an id that the feed cannot carry, are named as what the rest waits for', async () => {
  const { cursors, events, run } = setup({ late: [1, 2], ['i'.repeat(257)]: [1] });
  const mark = { version: 1, since: 0, attempts: 0 };
  events.put(storedEvent('large', 1, { data: '\u0001'.repeat(170_000) }));
  for (const aggregate of ['large', 'late']) await cursors.markHole(aggregate, mark);
  const { named } = await run();
  expect(named.map(({ aggregate, holed }) => [aggregate.slice(0, 5), holed?.why])).toEqual([
    ['iiiii', 'no event'],
    ['large', 'too large'],
    ['late', undefined], // it was missing, and is there by now
  ]);
});

test('the oldest is told, in whatever order they are looked at', async () => {
  const { events, run } = setup({ a: [1] });
  const since = new Date(Date.parse(RECORDED) - 5_000).toISOString();
  events.put(storedEvent('b', 1, { recordedAt: since }));
  events.put(storedEvent('c', 1, { recordedAt: RECORDED }));
  expect((await run()).oldest).toBe(since);
});

test('a cursor that is only read behind is no aggregate that is', async () => {
  const { cursors, run } = setup({ a: upTo(3) }, () => ({ confirmed: 1 }));
  await cursors.raise('a', 1, 3);
  expect(await run()).toMatchObject({ looked: 1, behind: 0 });
});

test('a run goes on where the last one ended; the round and the last complete one are kept', async () => {
  const { cursors, clock, run } = setup(
    Object.fromEntries(upTo(250).map((i) => [`a${String(i).padStart(3, '0')}`, [1]])),
  );
  for (let i = 1; i <= 250; i++) if (i !== 7 && i !== 240) await cursors.raise(`a${String(i).padStart(3, '0')}`, 1, 1);
  const start = clock.now;
  const first = await run(120);
  expect(first).toMatchObject({
    looked: 120,
    behind: 1,
    complete: false,
    round: { looked: 120, behind: 1, startedAt: start },
  });
  expect(first.round.last).toBeUndefined();
  clock.now += 1000;
  expect(await run(120)).toMatchObject({ looked: 120, behind: 1, complete: false, round: { looked: 240, behind: 2 } });
  const last = { startedAt: start, endedAt: start + 2000, looked: 250, behind: 2, events: 2 };
  clock.now += 1000;
  const { endedAt: _, ...whole } = last;
  expect(await run(120)).toMatchObject({ looked: 10, behind: 0, complete: true, round: { ...whole, last } });
  expect(await run(50)).toMatchObject({ looked: 50, behind: 1, round: { looked: 50, behind: 1, last } });
  // A look at all begins with the first, whatever round there was.
  expect(await run()).toMatchObject({
    looked: 250,
    behind: 2,
    complete: true,
    round: { last: { startedAt: start + 2000 } },
  });
  expect((await cursors.statusRound())?.after).toBeUndefined();
});

test('only reads, but for its own round', async () => {
  const { cursors, run } = setup({ a: upTo(3), b: [1, 3] });
  await cursors.raise('b', 1, 1);
  const before = new Map(cursors.items);
  await run();
  expect(cursors.items).toEqual(before);
});

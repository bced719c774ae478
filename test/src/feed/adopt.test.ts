import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import { type Adopted, adopt } from '../../../src/feed/adopt.ts';
import type { CursorTable } from '../../../src/feed/cursor-table.ts';
import type { EarlierFeed, EarlierPosition } from '../../../src/feed/earlier-feed.ts';
import { enrich } from '../../../src/feed/enrich.ts';
import type { Envelope } from '../../../src/feed/envelope.ts';
import { reconcile } from '../../../src/feed/reconcile.ts';
import { whenAdopted } from '../../../src/feed/when-adopted.ts';
import type { EventTable } from '../../../src/store/event-table.ts';
import { memoryCursors, memoryEvents } from '../../simulation/memory-ports.ts';
import { storedEvent, streamRecord } from '../../simulation/records.ts';

const MINUTE = 60_000;
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
const brief = ({ aggregate, from, to, head, base }: Envelope) => `${aggregate} [${from}..${to}] ${head} base ${base}`;

/** What another feed has left: cursors and positions by page, and where the positions were copied to. */
function earlierFeed(
  cursors: Readonly<Record<string, { readonly confirmed: number; readonly base?: number }>>,
  positions: readonly EarlierPosition[] = [],
) {
  const kept = new Map<string, EarlierPosition>();
  const page = <T>(entries: readonly T[], after = '0', size = 2) => {
    const start = Number(after);
    return {
      entries: entries.slice(start, start + size),
      ...(start + size < entries.length && { next: `${start + size}` }),
    };
  };
  const feed: EarlierFeed = {
    adoption: async () => undefined,
    hasRun: async () => false,
    cursors: async (after) =>
      page(
        Object.entries(cursors).map(([aggregate, cursor]) => ({ aggregate, cursor })),
        after,
      ),
    positions: async (after) => page(positions, after),
    async keep(position) {
      const key = `${position.consumer}|${position.aggregate}`;
      if (kept.has(key)) return false;
      kept.set(key, position);
      return true;
    },
  };
  return { feed, kept };
}

function setup(heads: Readonly<Record<string, readonly number[]>>, earlier = earlierFeed({}).feed) {
  const events = memoryEvents({ pageSize: 100 });
  const cursors = memoryCursors();
  const clock = { now: 1_000 * MINUTE };
  for (const [aggregate, versions] of Object.entries(heads)) {
    for (const version of versions) events.put(storedEvent(aggregate, version));
  }
  const put: Envelope[] = [];
  const writer = {
    put: async (envelopes: readonly Envelope[]) => {
      put.push(...envelopes);
      return [] as readonly Envelope[];
    },
  };
  const ports = {
    feed: 'feed-2',
    cursors: cursors as CursorTable,
    table: events.table,
    writer,
    earlier: () => earlier,
    now: () => clock.now,
  };
  const begun = () =>
    Object.fromEntries([...cursors.items].map(([id, { confirmed, base }]) => [id, [confirmed, base]]));
  /** What the pipe's enrichment answers to these events, as one that waits for the adoption. */
  const ring = async (...bells: readonly (readonly [string, number])[]) => {
    const records = bells.map(([aggregate, version]) => streamRecord(storedEvent(aggregate, version)));
    const gated = whenAdopted('feed-2', cursors);
    return (await enrich(records, { feed: 'feed-2', cursors: gated, table: events.table })).envelopes.map(brief);
  };
  const append = (aggregate: string, version: number) => events.put(storedEvent(aggregate, version));
  return { events, cursors, clock, ports, begun, ring, append, put };
}

/** A table whose list of aggregates is given two at a time, with something done before each page, or around each read. */
function slowly(
  table: Pick<EventTable, 'query' | 'get' | 'aggregates'>,
  before: {
    readonly page?: (n: number) => unknown;
    readonly head?: (aggregate: string) => unknown;
    readonly afterHead?: (aggregate: string) => void;
  },
): Pick<EventTable, 'query' | 'get' | 'aggregates'> {
  let pages = 0;
  return {
    get: table.get,
    async aggregates(options) {
      await before.page?.(pages++);
      return table.aggregates({ ...options, limit: 2 });
    },
    async *query(aggregate, options) {
      await before.head?.(aggregate);
      yield* table.query(aggregate, options);
      before.afterHead?.(aggregate);
    },
  };
}

describe('from now', () => {
  test('every aggregate begins at what the table has, and what comes after it is delivered', async () => {
    const { ports, begun, ring, append } = setup({ a: upTo(5), b: [1] });
    expect(await adopt(ports, { from: 'now' })).toEqual({ complete: true, looked: 2, begun: 2, positions: 0 });
    expect(begun()).toEqual({ a: [5, 5], b: [1, 1] });
    append('a', 6);
    append('new', 1);
    expect(await ring(['a', 6], ['b', 1], ['new', 1])).toEqual(['a [6..6] 6 base 5', 'new [1..1] 1 base undefined']);
  });

  test('what the feed has begun already is left as it is, and counted', async () => {
    const { ports, cursors, begun } = setup({ a: upTo(5), b: upTo(3) });
    await cursors.raise('a', 1, 2);
    expect(await adopt(ports, { from: 'now' })).toMatchObject({ looked: 2, begun: 1 });
    expect(begun()).toEqual({ a: [2, undefined], b: [3, 3] });
  });

  test('until it is done the enrichment fails, and says what to do', async () => {
    const { ports, ring, cursors } = setup({ a: upTo(5) });
    await expect(ring(['a', 5])).rejects.toThrow(
      /^feed.notAdopted: the feed feed-2 waits .*nothing is lost.*daybook feed adopt/,
    );
    await cursors.noteAdoption('now', 1);
    await expect(ring(['a', 5])).rejects.toThrow(/^feed.notAdopted/);
    await adopt(ports, { from: 'now' });
    expect(await ring(['a', 5])).toEqual([]);
  });

  test('that it is done is asked once', async () => {
    const { cursors } = setup({});
    await cursors.noteAdoption('now', 1);
    await cursors.saveAdoption({ doneAt: 2 });
    let asked = 0;
    const adoption = () => {
      asked++;
      return cursors.adoption();
    };
    const gated = whenAdopted('feed-2', { ...cursors, adoption });
    for (let i = 0; i < 3; i++) await gated.readMany(['a']);
    expect(asked).toBe(1);
  });

  test('a read that tells of before the adoption does not bring the past', async () => {
    const events = memoryEvents();
    for (const version of upTo(6)) events.put(storedEvent('a', version));
    const cursors = memoryCursors(() => ({ confirmed: 0 })); // for ever behind
    await adopt({ ...setup({}).ports, cursors, table: events.table }, { from: 'now' });
    events.put(storedEvent('a', 7));
    const records = [streamRecord(storedEvent('a', 7))];
    const { envelopes } = await enrich(records, {
      feed: 'feed-2',
      cursors: whenAdopted('feed-2', cursors),
      table: events.table,
    });
    expect(envelopes.map(brief)).toEqual(['a [7..7] 7 base 6']);
  });

  test('an event appended between the read of the head and the write is delivered', async () => {
    const { ports, begun, ring, append, events } = setup({ a: upTo(5) });
    const table = slowly(events.table, { afterHead: () => append('a', 6) });
    await adopt({ ...ports, table }, { from: 'now' });
    expect(begun()).toEqual({ a: [5, 5] });
    expect(await ring(['a', 6])).toEqual(['a [6..6] 6 base 5']);
  });

  test('an aggregate that the list does not show, or that comes while it is paged, is delivered from version 1', async () => {
    const { ports, begun, ring, append, events } = setup({ b: [1], c: [1], d: [1] });
    // `a` sorts before the pages that are still to come; `z` is in none.
    const table = slowly(events.table, { page: (n) => n === 1 && append('a', 1) });
    await adopt({ ...ports, table }, { from: 'now' });
    expect(Object.keys(begun())).toEqual(['b', 'c', 'd']);
    append('a', 2);
    append('z', 1);
    expect(await ring(['a', 2], ['z', 1])).toEqual(['z [1..1] 1 base undefined', 'a [1..2] 2 base undefined']);
  });

  test('one that was killed goes on where it was, and nothing between is skipped', async () => {
    const { ports, begun, ring, append, events, cursors } = setup({
      a: upTo(2),
      b: upTo(2),
      c: upTo(2),
      d: upTo(2),
      e: [1],
    });
    const killed = slowly(events.table, {
      page: (n) => {
        if (n === 2) throw new Error('killed');
      },
    });
    await expect(adopt({ ...ports, table: killed }, { from: 'now' })).rejects.toThrow('killed');
    expect(await cursors.adoption()).toMatchObject({ from: 'now', after: 'd' });
    append('a', 3); // after its adoption
    append('e', 2); // before it
    let read = 0;
    const table = slowly(events.table, { afterHead: () => read++ });
    expect(await adopt({ ...ports, table }, { from: 'now' })).toMatchObject({ complete: true, looked: 1, begun: 1 });
    expect(read).toBe(1);
    expect(begun()).toEqual({ a: [2, 2], b: [2, 2], c: [2, 2], d: [2, 2], e: [2, 2] });
    expect(await ring(['a', 3], ['e', 2])).toEqual(['a [3..3] 3 base 2']);
  });

  test('one that was killed within a page does that page again, and changes nothing of it', async () => {
    const { ports, begun, append, cursors } = setup({ a: upTo(2), b: upTo(2) });
    let writes = 0;
    const dying: CursorTable = {
      ...cursors,
      begin: (aggregate, start) => {
        if (writes++ > 0) throw new Error('killed');
        return cursors.begin(aggregate, start);
      },
    };
    await expect(adopt({ ...ports, cursors: dying }, { from: 'now' })).rejects.toThrow('killed');
    append('a', 3);
    expect(await adopt(ports, { from: 'now' })).toMatchObject({ complete: true, looked: 2, begun: 1 });
    expect(begun()).toEqual({ a: [2, 2], b: [2, 2] });
  });

  test('a run that is late stops after a page', async () => {
    const { ports, events, cursors } = setup({ a: [1], b: [1], c: [1] });
    const told: Adopted[] = [];
    const options = { from: 'now', isLate: () => true, onProgress: (adopted: Adopted) => told.push({ ...adopted }) };
    const table = slowly(events.table, {});
    expect(await adopt({ ...ports, table }, options)).toMatchObject({ complete: false, looked: 2 });
    expect((await cursors.adoption())?.doneAt).toBeUndefined();
    expect(await adopt({ ...ports, table }, options)).toMatchObject({ complete: true, looked: 1 });
    expect(told).toMatchObject([{ looked: 2 }]);
  });

  test('two at once begin each aggregate once, whatever is appended between them', async () => {
    const heads = Object.fromEntries(upTo(40).map((i) => [`a${i}`, [1]]));
    const { ports, begun, append, events } = setup(heads);
    const first = new Map<string, number>();
    const table = slowly(events.table, {
      afterHead: (aggregate) => {
        const last = Math.max(...events.all(aggregate).keys());
        if (last < 4) append(aggregate, last + 1);
      },
    });
    const cursors: CursorTable = {
      ...ports.cursors,
      begin: async (aggregate, start) => {
        const begun = await ports.cursors.begin(aggregate, start);
        if (begun) {
          expect(first.has(aggregate)).toBe(false);
          first.set(aggregate, start.confirmed);
        }
        return begun;
      },
    };
    const both = await Promise.all([1, 2].map(() => adopt({ ...ports, cursors, table }, { from: 'now' })));
    expect(both.map(({ complete }) => complete)).toEqual([true, true]);
    expect(both[0]!.begun + both[1]!.begun).toBe(40);
    expect(begun()).toEqual(Object.fromEntries([...first].map(([id, at]) => [id, [at, at]])));
  });

  test('one that was overtaken by another run takes nothing for past that is appended after that one was done', async () => {
    const { ports, begun, append, events, ring } = setup({ a: [1], b: [1], c: [1] });
    const table = slowly(events.table, {
      async page(n) {
        if (n !== 1) return;
        // This run stands still, and another one does the whole.
        expect(await adopt(ports, { from: 'now' })).toMatchObject({ complete: true, begun: 1 });
        append('b', 2);
        append('bb', 1);
      },
    });
    expect(await adopt({ ...ports, table }, { from: 'now' })).toMatchObject({ complete: true, begun: 2 });
    expect(begun()).toEqual({ a: [1, 1], b: [1, 1], c: [1, 1] });
    expect(await ring(['b', 2], ['bb', 1])).toEqual(['b [2..2] 2 base 1', 'bb [1..1] 1 base undefined']);
  });

  test('nor does one that was overtaken between its list and a head, by a run whose list did not show the aggregate', async () => {
    const { ports, begun, append, events, ring } = setup({ a: [1], b: [1] });
    const withoutB = { ...events.table, aggregates: async () => ({ aggregateUuids: ['a'] }) };
    const table = slowly(events.table, {
      async head(aggregate) {
        if (aggregate !== 'b') return;
        expect(await adopt({ ...ports, table: withoutB }, { from: 'now' })).toMatchObject({ complete: true, begun: 1 });
        append('b', 2);
      },
    });
    expect(await adopt({ ...ports, table }, { from: 'now' })).toMatchObject({ complete: true, begun: 0 });
    expect(begun()).toEqual({ a: [1, 1] });
    expect(await ring(['b', 2])).toEqual(['b [1..2] 2 base undefined']);
  });

  test('a commit of which a Query shows only a part is the past as a whole', async () => {
    const { ports, begun, events, append } = setup({ a: [1, 2] });
    for (const version of [3, 4]) events.put(storedEvent('a', version, { commitFirst: 3, commitLast: 5 }));
    let looks = 0;
    const table = slowly(events.table, {
      afterHead: () => {
        if (++looks === 3) events.put(storedEvent('a', 5, { commitFirst: 3, commitLast: 5 }));
      },
    });
    await adopt({ ...ports, table }, { from: 'now' });
    expect(begun()).toEqual({ a: [5, 5] });
    append('b', 1);
  });

  test('a commit that says more than there ever is does not put versions to come into the past', async () => {
    const { ports, begun, events } = setup({ a: [1] });
    events.put(storedEvent('a', 2, { commitFirst: 2, commitLast: 100 }));
    await adopt(ports, { from: 'now' });
    expect(begun()).toEqual({ a: [2, 2] });
  });

  test('holes and items that are no events are the past too, when they stand before the end', async () => {
    const { ports, begun, events } = setup({ a: [1, 4], b: [1] });
    const table = slowly(events.table, {
      afterHead: (aggregate) => {
        if (aggregate === 'b')
          throw new DaybookError('event.unknownFormat', { aggregateUuid: 'b', version: 9, format: '2' });
      },
    });
    await adopt({ ...ports, table }, { from: 'now' });
    expect(begun()).toEqual({ a: [4, 4], b: [9, 9] });
  });

  test('a table that does not answer leaves it undone', async () => {
    const { ports, cursors, events } = setup({ a: [1], b: [1] });
    const table = slowly(events.table, {
      afterHead: (aggregate) => {
        if (aggregate === 'b') throw new Error('throttled');
      },
    });
    await expect(adopt({ ...ports, table }, { from: 'now' })).rejects.toThrow('throttled');
    expect((await cursors.adoption())?.doneAt).toBeUndefined();
  });

  test('the reconciler carries it on, and reconciles only then', async () => {
    const heads = Object.fromEntries(upTo(3).map((i) => [`a${i}`, upTo(i)]));
    const { ports, put, begun, append, events } = setup(heads);
    const adoption = { from: 'now', earlier: ports.earlier };
    const table = slowly(events.table, {});
    const run = (isLate = () => false) => reconcile({ ...ports, table, adoption }, { isLate });
    expect((await run(() => true)).complete).toBe(false);
    append('a1', 2);
    const { complete, seen } = await run();
    expect(complete).toBe(true);
    expect(begun()).toMatchObject({ a1: [1, 1], a2: [2, 2], a3: [3, 3] });
    expect(put.map(brief)).toEqual(['a1 [2..2] 2 base 1']);
    expect(Object.fromEntries(seen.counts)).toMatchObject({ AggregatesAdopted: 1, AggregatesReconciled: 3 });
  });

  test('whatever is appended, killed and run again: past and feed together are every version once', async () => {
    const step = fc.oneof(fc.record({ append: fc.constantFrom('a', 'b', 'c', 'd') }), fc.record({ adopt: fc.nat(3) }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { ports, events, cursors, append } = setup({});
        const lastOf = (id: string) => Math.max(0, ...events.all(id).keys());
        const adopting = async (pages: number) => {
          const table = slowly(events.table, { afterHead: (id) => append(id, lastOf(id) + 1) });
          await adopt({ ...ports, table }, { from: 'now', isLate: () => pages-- <= 0 });
        };
        const atBegin = new Map<string, number>();
        for (const each of steps) {
          if ('append' in each) append(each.append, lastOf(each.append) + 1);
          else await adopting(each.adopt);
          for (const [id, cursor] of cursors.items) {
            if (!atBegin.has(id)) atBegin.set(id, cursor.base ?? 0);
            expect(cursor.base).toBe(atBegin.get(id));
          }
        }
        await adopt(ports, { from: 'now' });
        const fed = new Map<string, number>([...cursors.items].map(([id, { base = 0 }]) => [id, base]));
        for (let round = 0; round < 3; round++) {
          const put: Envelope[] = [];
          const writer = {
            put: async (all: readonly Envelope[]) => {
              put.push(...all);
              return [];
            },
          };
          await reconcile(
            { ...ports, writer, adoption: { from: 'now', earlier: ports.earlier } },
            { isLate: () => false },
          );
          for (const { aggregate, from, to } of put) {
            expect(from).toBe((fed.get(aggregate) ?? 0) + 1);
            fed.set(aggregate, to);
            await cursors.raise(aggregate, from, to);
          }
        }
        for (const id of ['a', 'b', 'c', 'd']) expect(fed.get(id) ?? 0).toBe(lastOf(id));
      }),
      { numRuns: 100 },
    );
  });
});

describe('from the start', () => {
  test('everything is delivered, from version 1', async () => {
    const { ports, ring, begun } = setup({ a: upTo(3) });
    await expect(ring(['a', 3])).rejects.toThrow(/^feed.notAdopted/);
    expect(await adopt(ports, { from: 'start' })).toMatchObject({ complete: true, looked: 0 });
    expect(begun()).toEqual({});
    expect(await ring(['a', 3])).toEqual(['a [1..3] 3 base undefined']);
  });

  test('once begun it is not begun otherwise', async () => {
    const { ports, clock } = setup({ a: upTo(3) });
    await adopt(ports, { from: 'start' });
    const done = await ports.cursors.adoption();
    await expect(adopt(ports, { from: 'now' })).rejects.toThrow(
      /^feed.adoptedOtherwise: the feed feed-2 cannot be adopted from now: its adoption from start is done/,
    );
    clock.now += MINUTE;
    expect(await adopt(ports, { from: 'start' })).toMatchObject({ complete: true });
    expect(await ports.cursors.adoption()).toEqual(done);
  });

  test('it is done when that is kept', async () => {
    const { ports } = setup({ a: [1] });
    const cursors = { ...ports.cursors, saveAdoption: () => Promise.reject(new Error('throttled')) };
    await expect(adopt({ ...ports, cursors }, { from: 'start' })).rejects.toThrow('throttled');
  });
});

describe('from another feed', () => {
  test('aggregates go on one version before the old end, with its base, and positions come along', async () => {
    const positions = [
      { consumer: 'bus', aggregate: 'a', position: 4, rest: { Parked: 5 } },
      { consumer: 'fees', aggregate: 'a', position: 2 },
      { consumer: 'bus', aggregate: 'c', position: 1 },
    ];
    const { feed, kept } = earlierFeed(
      { a: { confirmed: 4 }, b: { confirmed: 7, base: 7 }, c: { confirmed: 1 } },
      positions,
    );
    const { ports, begun, ring } = setup({ a: upTo(6), b: upTo(7), c: [1], d: upTo(2) }, feed);
    expect(await adopt(ports, { from: 'feed-1' })).toEqual({ complete: true, looked: 3, begun: 2, positions: 3 });
    expect(begun()).toEqual({ a: [3, undefined], b: [7, 7] });
    expect([...kept.values()]).toEqual(positions);
    // The old feed's last version is brought once more: who lost it with the old stream sees that something is missing.
    expect(await ring(['a', 6], ['b', 7])).toEqual(['a [4..6] 6 base undefined']);
  });

  test('positions are all there before the first aggregate is', async () => {
    const order: string[] = [];
    const { feed } = earlierFeed(
      { a: { confirmed: 4 } },
      [1, 2, 3].map((i) => ({ consumer: `c${i}`, aggregate: 'a', position: i })),
    );
    const keep: EarlierFeed['keep'] = (position) => {
      order.push(position.consumer);
      return feed.keep(position);
    };
    const { ports, cursors } = setup({ a: upTo(4) }, { ...feed, keep });
    const begin: CursorTable['begin'] = (aggregate, start) => {
      order.push('begin');
      return cursors.begin(aggregate, start);
    };
    await adopt({ ...ports, cursors: { ...cursors, begin } }, { from: 'feed-1' });
    expect(order).toEqual(['c1', 'c2', 'c3', 'begin']);
  });

  test('killed anywhere, it goes on and copies nothing twice', async () => {
    const positions = upTo(5).map((i) => ({ consumer: `c${i}`, aggregate: 'a', position: 1 }));
    const cursors = Object.fromEntries(upTo(5).map((i) => [`a${i}`, { confirmed: 3 }]));
    const { feed, kept } = earlierFeed(cursors, positions);
    const { ports, begun } = setup({ a: [1], ...Object.fromEntries(upTo(5).map((i) => [`a${i}`, upTo(3)])) }, feed);
    let pages = 0;
    let counted = { begun: 0, positions: 0 };
    for (let complete = false; !complete; pages++) {
      const adopted = await adopt(ports, { from: 'feed-1', isLate: () => true });
      counted = { begun: counted.begun + adopted.begun, positions: counted.positions + adopted.positions };
      ({ complete } = adopted);
    }
    expect(pages).toBe(6);
    expect(counted).toEqual({ begun: 5, positions: 5 });
    expect(kept.size).toBe(5);
    expect(Object.values(begun())).toEqual(upTo(5).map(() => [2, undefined]));
  });

  test('killed before any of its writes, the next run does what was left', async () => {
    const positions = upTo(5).map((i) => ({ consumer: `c${i}`, aggregate: 'a1', position: 1 }));
    for (let at = 0; at < 16; at++) {
      const { feed, kept } = earlierFeed(
        Object.fromEntries(upTo(5).map((i) => [`a${i}`, { confirmed: 3 }])),
        positions,
      );
      const { ports, begun } = setup(Object.fromEntries(upTo(5).map((i) => [`a${i}`, upTo(3)])), feed);
      let writes = 0;
      const dying =
        <A extends unknown[], R>(write: (...given: A) => Promise<R>) =>
        async (...given: A) => {
          if (writes++ >= at) throw new Error('killed');
          return write(...given);
        };
      const { cursors } = ports;
      const mortal = { begin: dying(cursors.begin), saveAdoption: dying(cursors.saveAdoption) };
      const dyingPorts = {
        ...ports,
        cursors: { ...cursors, ...mortal },
        earlier: () => ({ ...feed, keep: dying(feed.keep) }),
      };
      await adopt(dyingPorts, { from: 'feed-1' }).catch(() => undefined);
      expect(await adopt(ports, { from: 'feed-1' })).toMatchObject({ complete: true });
      expect(kept.size).toBe(5);
      expect(Object.values(begun())).toEqual(upTo(5).map(() => [2, undefined]));
    }
  });

  test('a table that was restored to before: nothing appended to it is taken for known', async () => {
    const { feed, kept } = earlierFeed({ a: { confirmed: 9 }, b: { confirmed: 3, base: 3 }, gone: { confirmed: 2 } }, [
      { consumer: 'bus', aggregate: 'a', position: 9, rest: { Parked: 10 } },
      { consumer: 'fees', aggregate: 'a', position: 4, rest: { Parked: 5 } },
      { consumer: 'bus', aggregate: 'gone', position: 2 },
    ]);
    const { ports, begun, ring, append } = setup({ a: upTo(4), b: [1] }, feed);
    await adopt(ports, { from: 'feed-1' });
    expect(begun()).toEqual({ a: [3, undefined], b: [1, 1] });
    expect([...kept.values()]).toEqual([
      { consumer: 'bus', aggregate: 'a', position: 4 },
      { consumer: 'fees', aggregate: 'a', position: 4 },
    ]);
    append('a', 5);
    append('b', 2);
    expect(await ring(['a', 5], ['b', 2])).toEqual(['b [2..2] 2 base 1', 'a [4..5] 5 base undefined']);
  });

  test('one whose Confirm never confirmed anything: its consumers go on, and all is fed', async () => {
    const { feed, kept } = earlierFeed({}, [{ consumer: 'fees', aggregate: 'a', position: 3 }]);
    const { ports, begun, ring } = setup({ a: upTo(4) }, feed);
    expect(await adopt(ports, { from: 'feed-1' })).toMatchObject({ complete: true, begun: 0, positions: 1 });
    expect([...kept.values()]).toEqual([{ consumer: 'fees', aggregate: 'a', position: 3 }]);
    expect(begun()).toEqual({});
    expect(await ring(['a', 4])).toEqual(['a [1..4] 4 base undefined']); // those up to 3 are dropped
  });

  test('one of which the first pages hold nothing of it is known all the same', async () => {
    const { feed } = earlierFeed({}, [{ consumer: 'fees', aggregate: 'a', position: 3 }]);
    const positions: EarlierFeed['positions'] = async (after) =>
      after === undefined ? { entries: [], next: '0' } : feed.positions(after);
    const { ports } = setup({ a: upTo(4) }, { ...feed, positions });
    expect(await adopt(ports, { from: 'feed-1' })).toMatchObject({ complete: true, positions: 1 });
  });

  test.each(['positions', 'cursors'] as const)(
    'one overtaken among its %s by another run takes nothing more along',
    async (part) => {
      const ids = ['a', 'b', 'c'];
      const { feed, kept } = earlierFeed(
        Object.fromEntries(ids.map((id) => [id, { confirmed: 3 }])),
        ids.map((aggregate) => ({ consumer: 'fees', aggregate, position: 2 })),
      );
      const { ports, append, begun } = setup({ a: upTo(3), b: upTo(3), c: upTo(3) }, feed);
      let pages = 0;
      const read = feed[part] as (after?: string) => Promise<never>;
      const slow = async (after?: string) => {
        const page = await read(after);
        // Of its second page this run knows what was there, stands still, and another one does the whole.
        if (pages++ === 1) {
          expect(await adopt(ports, { from: 'feed-1' })).toMatchObject({ complete: true });
          append('c', 4);
        }
        return page;
      };
      const late = { ...ports, earlier: () => ({ ...feed, [part]: slow }) };
      expect(await adopt(late, { from: 'feed-1' })).toMatchObject({ complete: true });
      expect(begun()).toEqual({ a: [2, undefined], b: [2, undefined], c: [2, undefined] });
      expect([...kept.values()].map(({ aggregate, position }) => `${aggregate} ${position}`)).toEqual([
        'a 2',
        'b 2',
        'c 2',
      ]);
    },
  );

  test('one that is known and brought nothing: all is fed', async () => {
    const { feed } = earlierFeed({});
    for (const known of [
      { ...feed, hasRun: async () => true },
      { ...feed, adoption: async () => ({ from: 'start', since: 1, doneAt: 2 }) },
    ]) {
      const { ports, ring } = setup({ a: upTo(2) }, known);
      expect(await adopt(ports, { from: 'feed-1' })).toMatchObject({ complete: true, begun: 0, positions: 0 });
      expect(await ring(['a', 2])).toEqual(['a [1..2] 2 base undefined']);
    }
  });

  test('of one that is not known a person says how to go on, against what was deployed', async () => {
    const { ports, put } = setup({ a: upTo(2) });
    const run = () =>
      reconcile({ ...ports, adoption: { from: 'feed-1', earlier: ports.earlier } }, { isLate: () => false });
    await expect(run()).rejects.toThrow(/^feed.earlierUnknown: .*npx daybook feed adopt --from start/);
    await adopt(ports, { from: 'start' });
    expect((await run()).complete).toBe(true);
    expect(put.map(brief)).toEqual(['a [1..2] 2 base undefined']);
  });

  test('a feed that nobody knows, and the feed itself, are refused, and nothing is noted', async () => {
    const { ports, cursors } = setup({ a: upTo(4) });
    for (const from of ['feed-l', 'feed-2']) {
      await expect(adopt(ports, { from })).rejects.toThrow(/^feed.earlierUnknown: the feed feed-2 cannot go on from/);
    }
    expect(await cursors.adoption()).toBeUndefined();
  });

  test('one that holds only a part of the feed before it is refused', async () => {
    const { feed } = earlierFeed({ a: { confirmed: 2 } });
    const adoption = { from: 'feed-0', since: 1 };
    const { ports, cursors } = setup({ a: upTo(3) }, { ...feed, adoption: async () => adoption });
    await expect(adopt(ports, { from: 'feed-1' })).rejects.toThrow(/^feed.earlierNotAdopted: .* name feed-0/);
    expect(await cursors.adoption()).toBeUndefined();
    const done = setup({ a: upTo(3) }, { ...feed, adoption: async () => ({ ...adoption, doneAt: 2 }) });
    expect(await adopt(done.ports, { from: 'feed-1' })).toMatchObject({ complete: true, begun: 1 });
  });

  test('the reconciler waits until the old readers have gone, then goes on as a person said', async () => {
    const { feed } = earlierFeed({ a: { confirmed: 2 } });
    const { ports, put, clock } = setup({ a: upTo(3) }, feed);
    const run = (from: string) =>
      reconcile({ ...ports, adoption: { from, earlier: ports.earlier } }, { isLate: () => false });
    expect((await run('feed-1')).complete).toBe(false);
    expect(put).toEqual([]);
    clock.now += 5 * MINUTE;
    expect((await run('now')).complete).toBe(true);
    expect(put.map(brief)).toEqual(['a [2..3] 3 base undefined']);
  });
});

test('a million events of a thousand aggregates: one page of aggregates in memory, one read and one write for each', async () => {
  let reads = 0;
  let open = 0;
  let most = 0;
  const table: Pick<EventTable, 'query' | 'aggregates'> = {
    async aggregates({ after = '0', limit = 1000 }) {
      const start = Number(after);
      const end = Math.min(start + Math.min(limit, 100), 1000);
      return {
        aggregateUuids: upTo(end - start).map((i) => `a${start + i}`),
        ...(end < 1000 && { next: String(end) }),
      };
    },
    async *query(aggregate, { limit }) {
      expect(limit).toBe(1);
      reads++;
      most = Math.max(most, ++open);
      await null;
      yield [storedEvent(aggregate, 1000)];
      open--;
    },
  };
  const { ports, cursors } = setup({});
  expect(await adopt({ ...ports, table }, { from: 'now' })).toMatchObject({
    complete: true,
    looked: 1000,
    begun: 1000,
  });
  expect(reads).toBe(1000);
  expect(most).toBeLessThanOrEqual(16);
  expect(cursors.items.size).toBe(1000);
});

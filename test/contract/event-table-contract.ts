import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { bucketOf } from '../../src/event/bucket.ts';
import type { EventTable, StoredEvent } from '../../src/index.ts';

const AT = '2026-01-01T00:00:00.000Z';

function event(aggregateUuid: string, version: number, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    aggregateUuid,
    aggregateType: 'Account',
    version,
    type: 'MoneyDeposited',
    schemaVersion: 1,
    commitId: `commit-${version}`,
    commitFirst: version,
    commitLast: version,
    recordedAt: AT,
    occurredAt: AT,
    data: `{"amount":${version}}`,
    ...more,
  };
}

function commit(aggregateUuid: string, first: number, last: number, commitId = `commit-${first}`): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let version = first; version <= last; version++) {
    events.push(event(aggregateUuid, version, { commitId, commitFirst: first, commitLast: last }));
  }
  return events;
}

async function collect(table: EventTable, aggregateUuid: string, options: Parameters<EventTable['query']>[1]) {
  const events: StoredEvent[] = [];
  for await (const page of table.query(aggregateUuid, options)) events.push(...page);
  return events;
}

/** What every storage of events must do, whatever is behind it. */
export function eventTableContract(name: string, make: () => Promise<EventTable>): void {
  describe(`the event table contract on ${name}`, () => {
    let table: EventTable;
    let id: string;
    beforeAll(async () => {
      table = await make();
    });
    const fresh = () => {
      id = `account-${randomUUID()}`;
      return id;
    };
    const put = (
      events: readonly StoredEvent[],
      predecessors?: readonly { aggregateUuid: string; version: number }[],
    ) => table.put({ commitId: events[0]!.commitId, events, ...(predecessors !== undefined && { predecessors }) });

    it('gives back an event exactly as it was put', async () => {
      const full = event(fresh(), 1, {
        occurredAt: '1999-12-31T23:59:59.999Z',
        schemaVersion: 7,
        data: '{"text":"ä€𝄞 \\u0000 \\" ","n":1e300}',
        metadata: '{"by":"Bob"}',
      });
      expect(await put([full])).toEqual({ outcome: 'written' });
      expect(await table.get(id, 1)).toEqual(full);
      expect(await collect(table, id, {})).toEqual([full]);
    });

    it('has nothing for what was never put', async () => {
      expect(await table.get(fresh(), 1)).toBeUndefined();
      expect(await collect(table, id, {})).toEqual([]);
    });

    it('refuses a version that another commit holds, and says by whom', async () => {
      await put([event(fresh(), 1)]);
      const outcome = await put([event(id, 1, { commitId: 'other' })]);
      expect(outcome).toEqual({ outcome: 'conflict', aggregateUuid: id, version: 1, found: event(id, 1) });
      expect(await table.get(id, 1)).toEqual(event(id, 1));
    });

    it('recognises its own commit when it is put again', async () => {
      await put([event(fresh(), 1)]);
      expect(await put([event(id, 1)])).toEqual({ outcome: 'alreadyWritten' });
      const three = commit(id, 2, 4);
      expect(await put(three)).toEqual({ outcome: 'written' });
      expect(await put(three)).toEqual({ outcome: 'alreadyWritten' });
    });

    it('writes several events wholly or not at all', async () => {
      await put([event(fresh(), 3, { commitId: 'in the way' })]);
      const outcome = await put(commit(id, 1, 5));
      expect(outcome).toMatchObject({ outcome: 'conflict', aggregateUuid: id, version: 3 });
      expect((await collect(table, id, {})).map((found) => found.version)).toEqual([3]);
    });

    it('writes several aggregates wholly or not at all, and names the one that stood in the way', async () => {
      const first = fresh();
      const second = fresh();
      await put([event(second, 1, { commitId: 'in the way' })]);
      const both = [event(first, 1, { commitId: 'both' }), event(second, 1, { commitId: 'both' })];
      expect(await put(both)).toMatchObject({ outcome: 'conflict', aggregateUuid: second, version: 1 });
      expect(await table.get(first, 1)).toBeUndefined();
    });

    it('refuses a commit whose predecessor is missing', async () => {
      const outcome = await put([event(fresh(), 3)], [{ aggregateUuid: id, version: 2 }]);
      expect(outcome).toEqual({ outcome: 'hole', aggregateUuid: id, version: 2 });
      expect(await table.get(id, 3)).toBeUndefined();
      await put(commit(id, 1, 2));
      expect(await put([event(id, 3)], [{ aggregateUuid: id, version: 2 }])).toEqual({ outcome: 'written' });
    });

    it('takes 100 events in one commit', async () => {
      expect(await put(commit(fresh(), 1, 100))).toEqual({ outcome: 'written' });
      expect((await collect(table, id, {})).map((found) => found.version)).toEqual(
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
    });

    it('queries ranges, both ways, with exact limits', async () => {
      await put(commit(fresh(), 1, 12));
      const versions = async (options: Parameters<EventTable['query']>[1]) =>
        (await collect(table, id, options)).map((found) => found.version);
      expect(await versions({ from: 3, to: 5 })).toEqual([3, 4, 5]);
      expect(await versions({ from: 11 })).toEqual([11, 12]);
      expect(await versions({ to: 2 })).toEqual([1, 2]);
      expect(await versions({ reverse: true, limit: 2 })).toEqual([12, 11]);
      expect(await versions({ from: 4, to: 9, reverse: true, limit: 3 })).toEqual([9, 8, 7]);
      expect(await versions({ limit: 5, consistent: false })).toHaveLength(5);
      expect(await versions({ from: 13 })).toEqual([]);
      expect(await versions({ limit: Number.MAX_SAFE_INTEGER })).toHaveLength(12);
      expect(await table.head(id)).toMatchObject({ version: 12, aggregateType: event(id, 12).aggregateType });
      expect(await table.head(fresh())).toBeUndefined();
    });

    it('pages through more than one megabyte', async () => {
      fresh();
      const large = JSON.stringify({ text: 'x'.repeat(300_000) });
      for (let version = 1; version <= 8; version++) await put([event(id, version, { data: large })]);
      const pages: number[][] = [];
      for await (const page of table.query(id, {})) pages.push(page.map((found) => found.version));
      expect(pages.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect((await collect(table, id, { reverse: true, limit: 6 })).map((found) => found.version)).toEqual([
        8, 7, 6, 5, 4, 3,
      ]);
    });

    it('keeps versions up to 2^53 - 1 in order', async () => {
      fresh();
      for (const version of [9, 10, 100, Number.MAX_SAFE_INTEGER]) await put([event(id, version)]);
      const found = await collect(table, id, {});
      expect(found.map((one) => one.version)).toEqual([9, 10, 100, Number.MAX_SAFE_INTEGER]);
    });

    it('lists each aggregate once, by type, a page at a time', async () => {
      const type = `Type-${randomUUID()}`;
      const ids = Array.from({ length: 40 }, (_, i) => `${type}-${i}`);
      for (const aggregateUuid of ids) {
        await put(commit(aggregateUuid, 1, 2).map((one) => ({ ...one, aggregateType: type })));
      }
      const listed: string[] = [];
      let after: string | undefined;
      do {
        const page = await table.aggregates({ type, limit: 7, ...(after !== undefined && { after }) });
        expect(page.aggregateUuids.length).toBeLessThanOrEqual(7);
        listed.push(...page.aggregateUuids);
        after = page.next;
      } while (after !== undefined);
      expect(listed.sort()).toEqual(ids.sort());
      const all: string[] = [];
      do {
        const page = await table.aggregates(after === undefined ? {} : { after });
        all.push(...page.aggregateUuids);
        after = page.next;
      } while (after !== undefined);
      expect(new Set(all).size).toBe(all.length);
      expect(all).toEqual(expect.arrayContaining(ids));
      // In sixteen parts: of one type by bucket, of all types as the table likes; each is in one.
      for (const chosen of [{ type }, {}]) {
        const inParts: string[] = [];
        for (let part = 0; part < 16; part++) {
          let next: string | undefined;
          do {
            const page = await table.aggregates({
              ...chosen,
              part,
              limit: 2,
              ...(next !== undefined && { after: next }),
            });
            inParts.push(...page.aggregateUuids);
            if ('type' in chosen)
              expect(page.aggregateUuids.filter((one) => bucketOf(one) !== part.toString(16))).toEqual([]);
            next = page.next;
          } while (next !== undefined);
        }
        expect(inParts.sort()).toEqual('type' in chosen ? ids : all.sort());
      }
    });

    it('lets one of many writers of the same version through', async () => {
      fresh();
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => put([event(id, 1, { commitId: `writer-${i}` })])),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'written')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(7);
    });
  });
}

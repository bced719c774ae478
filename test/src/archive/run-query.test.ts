import { describe, expect, it } from 'vitest';
import type { QueryEngine, QueryStatus } from '../../../src/archive/query-engine.ts';
import { runQuery } from '../../../src/archive/run-query.ts';

const GONE =
  'HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split s3://a/events/x.parquet: The specified key does not exist';

/** An engine whose queries end as they are told to, one after the other. */
function engineOf(...ends: Partial<QueryStatus>[]) {
  const asked: (readonly [sql: string, parameters: readonly string[]])[] = [];
  const engine: Pick<QueryEngine, 'start' | 'status' | 'stop'> = {
    async start(sql, parameters) {
      asked.push([sql, parameters]);
      return `q${asked.length}`;
    },
    status: async () => ({ state: 'SUCCEEDED', scannedBytes: 10, isFree: false, ...ends[asked.length - 1] }),
    stop: async () => {},
  };
  return { asked, engine: engine as QueryEngine };
}
const gone = { state: 'FAILED', reason: GONE, scannedBytes: 7 } as const;

describe('a query that finds a listed file deleted', () => {
  it.each(['SELECT 1', '  select 1', '-- What is it?\n-- :a is the aggregate\nWITH x AS (SELECT 1) FROM x'])(
    'is asked once more, and what both scanned is said: %j',
    async (sql) => {
      const { engine, asked } = engineOf(gone, {});
      const { queryId, status } = await runQuery(engine, { sql, parameters: ["'a'"] });
      expect(asked).toEqual([
        [sql, ["'a'"]],
        [sql, ["'a'"]],
      ]);
      expect({ queryId, scannedBytes: status.scannedBytes }).toEqual({ queryId: 'q2', scannedBytes: 17 });
    },
  );

  it('is asked no third time: a file may be damaged for good', async () => {
    const { engine, asked } = engineOf(gone, gone, {});
    await expect(runQuery(engine, { sql: 'SELECT 1', parameters: [] })).rejects.toMatchObject({
      code: 'archive.queryFailed',
      details: { queryId: 'q2', reason: GONE },
    });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['INSERT INTO a SELECT 1', gone],
    ["UNLOAD (SELECT 1) TO 's3://a/'", gone],
    ['SELECT 1', { ...gone, reason: 'SYNTAX_ERROR: line 1:1' }],
  ])('is not asked again when it writes, or failed for another reason: %j', async (sql, end) => {
    const { engine, asked } = engineOf(end, {});
    await expect(runQuery(engine, { sql, parameters: [] })).rejects.toMatchObject({ code: 'archive.queryFailed' });
    expect(asked).toHaveLength(1);
  });
});

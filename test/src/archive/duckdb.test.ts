import { copyFileSync, mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDuckdb } from '../../../src/archive/duckdb.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-duckdb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('reads of two files of one size, one after the other at the same path within a second, what each holds', async () => {
  const db = await openDuckdb({ folder });
  const path = join(folder, 'file.parquet');
  const [short, long] = ['md5(i::VARCHAR)', 'md5(i::VARCHAR) || md5((i + 1)::VARCHAR)'];
  const make = (name: string, a: string, b: string) =>
    db.run(
      `COPY (SELECT ${a} AS a, ${b} AS b FROM range(50) r(i)) TO '${join(folder, name)}' (COMPRESSION uncompressed)`,
    );
  await make('1.parquet', long, short);
  await make('2.parquet', short, long);
  expect(statSync(join(folder, '1.parquet')).size).toBe(statSync(join(folder, '2.parquet')).size);
  for (const [name, a, b] of [
    ['1.parquet', 64, 32],
    ['2.parquet', 32, 64],
  ] as const) {
    copyFileSync(join(folder, name), path);
    utimesSync(path, 1_700_000_000, 1_700_000_000);
    const sql = `SELECT max(length(a)) AS a, max(length(b)) AS b FROM read_parquet('${path}')`;
    for await (const row of db.rows(sql)) expect(row).toEqual({ a, b });
    rmSync(path);
  }
  db.close();
});

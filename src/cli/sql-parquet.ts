import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInstance } from '../archive/duckdb.ts';
import type { QueryResult, ResultColumn } from '../archive/query-engine.ts';
import { apart } from './sql-formats.ts';
import type { OutputOptions } from './sql-output.ts';

/**
 * One Parquet file of a result, in its order and with its types. DuckDB makes it of the result; UNLOAD would write many files
 * in no order, take SELECT only, and leave nothing where there are no rows (docs/decisions).
 */
export async function writeParquet(
  { columns, batches }: QueryResult,
  path: string,
  { signal, onRows }: OutputOptions,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-sql-'));
  try {
    // On disk, so that memory does not grow with the result.
    const file = join(folder, 'result.duckdb');
    const instance = await openInstance({ folder, memoryLimit: 256, path: file, inOrder: true });
    try {
      const connection = await instance.connect();
      const cells = columns.map((_column, i) => `c${i} VARCHAR`);
      await connection.run(`CREATE TABLE result (${cells.join(', ')})`);
      const appender = await connection.createAppender('result');
      let rows = 0;
      for await (const batch of batches) {
        signal.throwIfAborted();
        for (const row of batch) {
          for (let i = 0; i < columns.length; i++) {
            const value = row[i];
            if (value === undefined) appender.appendNull();
            else appender.appendVarchar(value);
          }
          appender.endRow();
        }
        rows += batch.length;
        appender.flushSync();
        onRows(rows);
      }
      appender.closeSync();
      const typed = apart(columns).map(
        (column, i) => `CAST(c${i} AS ${duckdbType(column)}) AS ${quoteName(column.name)}`,
      );
      await connection.run(
        `COPY (SELECT ${typed.join(', ')} FROM result) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
      );
      connection.closeSync();
      return rows;
    } finally {
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** What is nested, and times with a zone, stay the text that Athena writes. */
function duckdbType({ type, precision = 38, scale = 0 }: ResultColumn): string {
  if (type === 'decimal') return `DECIMAL(${Number(precision)}, ${Number(scale)})`;
  return TYPES[type] ?? 'VARCHAR';
}

const TYPES: Readonly<Record<string, string>> = {
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  real: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

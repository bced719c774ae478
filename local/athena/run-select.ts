import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBType } from '@duckdb/node-api';
import { quoteText } from '../glue/hive-type.ts';
import { writeCsvRow } from './csv.ts';
import { QueryFailure } from './errors.ts';
import { readParameters } from './parameters.ts';
import { type BoundQuery, bindQuery, type QueryContext } from './relations.ts';
import { formatQuery, type ResultColumn, resultColumn } from './result-format.ts';
import { UNNAMED } from './rewrite.ts';
import { scannedBytes } from './scanned-bytes.ts';

/** A query that is bound, typed and known to scan no more than it may. */
export interface Prepared extends BoundQuery {
  readonly columns: readonly { readonly name: string; readonly type: DuckDBType }[];
  readonly scannedBytes: number;
}

export async function prepareSelect(
  sql: string,
  options: {
    readonly parameters: readonly string[];
    readonly cutoffBytes: number | undefined;
    readonly scratchDir: string;
  },
  context: QueryContext,
): Promise<Prepared> {
  const { connection } = context;
  const bound = await bindQuery(sql, await readParameters(options.parameters, connection), context);
  const prepared = await connection.prepare(bound.sql);
  const columns = Array.from({ length: prepared.columnCount }, (_one, i) => {
    const name = prepared.columnName(i);
    return { name: name.startsWith(UNNAMED) ? `_col${i}` : name, type: prepared.columnType(i) };
  });
  prepared.destroySync();
  const scanned = await scannedBytes(bound.sql, bound.scans, connection);
  if (options.cutoffBytes !== undefined && scanned > options.cutoffBytes) {
    throw new QueryFailure('Bytes scanned limit was exceeded', true);
  }
  return { ...bound, columns, scannedBytes: scanned };
}

/** Runs it and gives the result file: DuckDB writes every value as Athena does, faster than values could be fetched. */
export async function runToCsv(
  prepared: Prepared,
  options: { readonly scratchDir: string; readonly name: string },
  { connection }: QueryContext,
): Promise<{ readonly body: Buffer; readonly columns: readonly ResultColumn[] }> {
  const path = join(options.scratchDir, `${options.name}.csv`);
  try {
    await connection.run(
      `COPY (${formatQuery(prepared.sql, prepared.columns)}) TO ${quoteText(path)}
       (FORMAT csv, HEADER false, FORCE_QUOTE *, NULLSTR '', QUOTE '"', ESCAPE '"')`,
    );
    const header = Buffer.from(writeCsvRow(prepared.columns.map(({ name }) => name)));
    return {
      body: Buffer.concat([header, readFileSync(path)]),
      columns: prepared.columns.map(({ name, type }) => resultColumn(name, type)),
    };
  } finally {
    rmSync(path, { force: true });
  }
}

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDb } from '../athena/duckdb.ts';
import { quoteText, toDuckDbType } from '../glue/hive-type.ts';
import type { Column } from './convert.ts';

export interface ParquetOptions {
  readonly columns: readonly Column[];
  readonly compression: 'uncompressed' | 'snappy' | 'gzip';
  readonly version: 'V1' | 'V2';
  /** For the temporary files. */
  readonly name: string;
}

/** Rows, as JSON lines whose values fit the columns, become a Parquet file. */
export async function writeParquet(duckdb: DuckDb, lines: readonly string[], options: ParquetOptions): Promise<Buffer> {
  const connection = await duckdb.connect();
  const source = join(duckdb.scratchDir, `${options.name}.jsonl`);
  const target = join(duckdb.scratchDir, `${options.name}.parquet`);
  try {
    writeFileSync(source, `${lines.join('\n')}\n`);
    const longest = lines.reduce((most, line) => Math.max(most, line.length * 3), 1024);
    const columns = options.columns.map(({ name, type }) => `${quoteText(name)}: ${quoteText(toDuckDbType(type))}`);
    await connection.run(
      `COPY (SELECT * FROM read_json(${quoteText(source)}, format = 'newline_delimited', columns = {${columns.join(', ')}},
        maximum_object_size = ${longest}, timestampformat = '%Y-%m-%d %H:%M:%S.%f', dateformat = '%Y-%m-%d'))
       TO ${quoteText(target)} (FORMAT parquet, COMPRESSION ${options.compression}, PARQUET_VERSION ${options.version})`,
    );
    return readFileSync(target);
  } finally {
    connection.closeSync();
    rmSync(source, { force: true });
    rmSync(target, { force: true });
  }
}

import './errors.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckdb } from '../archive/duckdb.ts';
import { quoteText } from '../archive/duckdb-text.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { Plan } from './plan.ts';

/** Where a report's Parquet lies: the partitions of the table `reports`. */
export const REPORT_TABLE_PREFIX = 'report-tables/';

export interface WrittenReport {
  readonly files: number;
  readonly rows: number;
}

/**
 * Writes each file of a report's JSON lines as Parquet, so that SQL reads it as the table `reports`: `aggregate_uuid` or a rollup's `key`, `position`,
 * `applied` and `state`, which stays JSON text. Safe to repeat: a file has the name of the one that it was made from.
 */
export async function writeReport(files: ArchiveFiles, { projection, build }: Plan): Promise<WrittenReport> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-report-'));
  const duckdb = await openDuckdb({ folder, memoryLimit: 256 });
  let written = 0;
  let rows = 0;
  try {
    for await (const page of files.list(`reports/${projection}/${build}/`)) {
      for (const { key } of page) {
        if (!key.endsWith('.jsonl')) continue;
        const lines = join(folder, 'lines.jsonl');
        const table = join(folder, 'table.parquet');
        await writeFile(lines, await files.readText(key));
        for await (const { count } of duckdb.rows<{ count: number }>(copySql(lines, table))) rows += count;
        const name = key.slice(key.lastIndexOf('/') + 1).replace('.jsonl', '.parquet');
        const target = `${REPORT_TABLE_PREFIX}projection=${projection}/build=${build}/${name}`;
        await files.writeBytes(target, await readFile(table));
        written++;
      }
    }
    return { files: written, rows };
  } finally {
    duckdb.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A state may be as large as an item of the table, 400 KB. */
function copySql(lines: string, table: string): string {
  const columns = `{aggregateUuid: 'VARCHAR', key: 'VARCHAR', position: 'BIGINT', applied: 'BIGINT', state: 'JSON'}`;
  return `
    COPY (
      SELECT aggregateUuid AS aggregate_uuid, key, position, applied, state::VARCHAR AS state
      FROM read_json(${quoteText(lines)}, format = 'newline_delimited', columns = ${columns}, maximum_object_size = 4194304)
    ) TO ${quoteText(table)} (FORMAT parquet, COMPRESSION zstd)`;
}

import './errors.ts';
import { DaybookError } from '../errors.ts';
import { quoteText } from './duckdb-text.ts';

/** DuckDB's failure in the words of a person who knows the archive's keys and not where a copy lies. */
export function unreadable(path: string, key: string, cause: unknown): DaybookError {
  const [first = ''] = String((cause as Error).message).split('\n');
  return new DaybookError('archive.unreadable', { key, reason: first.replaceAll(path, 'the file') }, { cause });
}

/** Throws with the key of the file that cannot be read to its end, when one of many, by path, could not. */
export async function nameUnreadable(
  run: (sql: string) => Promise<unknown>,
  keys: Iterable<readonly [path: string, key: string]>,
): Promise<void> {
  for (const [path, key] of keys) {
    const all = `SELECT max(hash(COLUMNS(*))) FROM read_parquet(${quoteText(path)}, hive_partitioning = false)`;
    await run(all).catch((cause) => {
      throw unreadable(path, key, cause);
    });
  }
}

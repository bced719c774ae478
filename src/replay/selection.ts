import './errors.ts';
import { DaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import { BUCKETS } from '../projection/projection-table.ts';
import type { ArchiveFiles } from './archive-files.ts';

/** The aggregates that a range names, in a file for each bucket: a state machine's payload would not hold them. */
export interface Selection {
  readonly count: number;
  readonly prefix: string;
}

/** A query may name so many aggregates: their ids are read into memory. */
const MOST_SELECTED = 1_000_000;

export async function writeSelection(
  files: ArchiveFiles,
  prefix: string,
  aggregates: readonly string[],
): Promise<Selection> {
  const byBucket = new Map<string, string[]>();
  for (const aggregate of aggregates) {
    const bucket = bucketOf(aggregate);
    const known = byBucket.get(bucket);
    if (known === undefined) byBucket.set(bucket, [aggregate]);
    else known.push(aggregate);
  }
  for (const bucket of BUCKETS) {
    await files.writeText(`${prefix}${bucket}.json`, JSON.stringify(byBucket.get(bucket) ?? []));
  }
  return { count: aggregates.length, prefix };
}

/** Those of one bucket. */
export async function readSelection(
  files: ArchiveFiles,
  { prefix }: Selection,
  bucket: string,
): Promise<readonly string[]> {
  return JSON.parse(await files.readText(`${prefix}${bucket}.json`)) as string[];
}

/** The ids in the first column of what Athena wrote of a query, each once. */
export function selectedIn(csv: string, query: string): readonly string[] {
  const [header, ...values] = firstColumn(csv);
  const ids = [...new Set(values)].filter((id) => id !== '');
  if (header === undefined || ids.length === 0) throw new DaybookError('replay.nothingSelected', { query });
  if (ids.length > MOST_SELECTED) {
    throw new DaybookError('replay.tooManySelected', { selected: ids.length, limit: MOST_SELECTED });
  }
  return ids;
}

/** Athena quotes every value and doubles the quotes in it; NULL is nothing at all. */
function firstColumn(csv: string): string[] {
  const values: string[] = [];
  let at = 0;
  while (at < csv.length) {
    let value = '';
    if (csv[at] === '"') {
      const end = closingQuote(csv, at + 1);
      value = csv.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    }
    values.push(value);
    at = endOfLine(csv, at) + 1;
  }
  return values;
}

function closingQuote(csv: string, from: number): number {
  let at = csv.indexOf('"', from);
  while (at >= 0 && csv[at + 1] === '"') at = csv.indexOf('"', at + 2);
  return at < 0 ? csv.length : at;
}

/** The end of this row: a line break that is in no quotes. */
function endOfLine(csv: string, from: number): number {
  let at = from;
  while (at < csv.length && csv[at] !== '\n') at = csv[at] === '"' ? closingQuote(csv, at + 1) + 1 : at + 1;
  return at;
}

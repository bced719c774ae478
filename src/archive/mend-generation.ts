import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ColdStorage, currentGeneration, RAW_KEY } from './cold-files.ts';
import { quoteText } from './compact-duckdb.ts';
import { openDuckdb } from './duckdb.ts';
import type { Finding } from './findings.ts';
import { filesListKey, filesListText, type Generation, keysKey, manifestKey } from './generation.ts';
import type { WorkFiles } from './work-files.ts';

export interface MendPorts {
  readonly files: WorkFiles;
  readonly currentGeneration: ColdStorage['currentGeneration'];
  /** The S3 bucket of the archive, which the lists name. */
  readonly archiveBucket: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Mended {
  /** Compacted files that are gone: the generation names them no more. */
  readonly leftOut: readonly string[];
  /** Lists that Athena reads, and files of keys, that were written anew from the manifest and the compacted files. */
  readonly written: readonly string[];
}

/** Where a manifest stays as it was before it was mended. */
const BEFORE_PREFIX = 'checks/manifests/';

/**
 * Puts right what `verify` found at the current generation, as far as the manifest and its files say what is right. A file that
 * is gone is left out: what it held is sent again like all that is missing, and raw files of its bucket that were taken and
 * are still there count as new, so that they are not deleted before they are compacted again.
 */
export async function mendGeneration(ports: MendPorts, findings: readonly Finding[], folder: string): Promise<Mended> {
  const { files, archiveBucket } = ports;
  const given = await currentGeneration(ports);
  const gone = keysOf(findings, ['gone']);
  const damaged = keysOf(findings, ['gone', 'changed', 'unreadable']);
  const lost = given.files.filter(({ key }) => gone.has(key));
  const generation = lost.length === 0 ? given : without(given, lost);
  const emptied = new Set(lost.map(({ bucket }) => bucket));
  const written: string[] = [];
  for (const bucket of new Set(given.files.map((file) => file.bucket))) {
    const key = filesListKey(given.generation, bucket);
    if (!emptied.has(bucket) && !damaged.has(key)) continue;
    const text = filesListText(generation.files, bucket, archiveBucket);
    if (text === '') await files.delete(key);
    else await files.writeText(key, text);
    written.push(key);
  }
  if (lost.length > 0) {
    const at = new Date(ports.now()).toISOString();
    await files.writeText(`${BEFORE_PREFIX}${given.generation}-${at}.json`, JSON.stringify(given));
    await files.writeText(manifestKey(given.generation), JSON.stringify(generation));
  }
  const unlisted = generation.files.filter(({ key }) => damaged.has(keysKey(key)) && !damaged.has(key));
  for (const { key } of unlisted) {
    await writeKeys(files, key, folder);
    written.push(keysKey(key));
  }
  return { leftOut: lost.map(({ key }) => key), written };
}

function keysOf(findings: readonly Finding[], kinds: readonly Finding['kind'][]): ReadonlySet<string> {
  return new Set(findings.flatMap((each) => (kinds.includes(each.kind) && 'key' in each ? [each.key] : [])));
}

function without(given: Generation, lost: Generation['files']): Generation {
  const files = given.files.filter((file) => !lost.includes(file));
  const buckets = new Set(lost.map(({ bucket }) => bucket));
  return {
    ...given,
    files,
    events: files.reduce((sum, { rows }) => sum + rows, 0),
    taken: given.taken.filter(({ key }) => !buckets.has(RAW_KEY.exec(key)?.[2] ?? '')),
  };
}

/** The file of keys beside a compacted file, as a compaction writes it. */
async function writeKeys(files: WorkFiles, key: string, folder: string): Promise<void> {
  const [path, keys] = [join(folder, 'compacted.parquet'), join(folder, 'keys.parquet')];
  const db = await openDuckdb({ folder });
  try {
    await files.download(key, path);
    await db.run(`COPY (SELECT aggregate_uuid, min(version) AS first_version, max(version) AS last_version
      FROM read_parquet(${quoteText(path)}, hive_partitioning = false) GROUP BY aggregate_uuid ORDER BY aggregate_uuid)
      TO ${quoteText(keys)} (FORMAT parquet, COMPRESSION zstd)`);
    await files.upload(keysKey(key), keys);
  } finally {
    db.close();
    for (const each of [path, keys]) await rm(each, { force: true });
  }
}

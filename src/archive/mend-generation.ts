import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ColdStorage, currentGeneration, RAW_FILE } from './cold-files.ts';
import { openDuckdb } from './duckdb.ts';
import { quoteText } from './duckdb-text.ts';
import { sha256Of } from './file-hash.ts';
import type { Finding } from './findings.ts';
import { filesLists, filesListText, type Generation, keysKey, manifestKey } from './generation.ts';
import { versionRuns } from './version-runs.ts';
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
    for (const list of filesLists(given.generation, generation.files, bucket)) {
      if (!emptied.has(bucket) && !damaged.has(list.key)) continue;
      const text = filesListText(list, archiveBucket);
      if (text === '') await files.delete(list.key);
      else await files.writeText(list.key, text);
      written.push(list.key);
    }
  }
  const keysSha256 = new Map<string, string>();
  for (const { key } of generation.files) {
    if (!damaged.has(keysKey(key)) || damaged.has(key)) continue;
    keysSha256.set(key, await writeKeys(files, key, folder));
    written.push(keysKey(key));
  }
  if (lost.length > 0 || keysSha256.size > 0) {
    const at = new Date(ports.now()).toISOString();
    await files.writeText(`${BEFORE_PREFIX}${given.generation}-${at}.json`, JSON.stringify(given));
    const stated = generation.files.map((file) => {
      const sha256 = keysSha256.get(file.key);
      return sha256 === undefined ? file : { ...file, keysSha256: sha256 };
    });
    await files.writeText(manifestKey(given.generation), JSON.stringify({ ...generation, files: stated }));
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
    taken: given.taken.filter(({ key }) => !buckets.has(RAW_FILE.exec(key)?.[2] ?? '')),
  };
}

/** Writes the file of keys beside a compacted file as a compaction does, and answers its SHA-256. */
async function writeKeys(files: WorkFiles, key: string, folder: string): Promise<string> {
  const [path, keys] = [join(folder, 'compacted.parquet'), join(folder, 'keys.parquet')];
  const db = await openDuckdb({ folder });
  try {
    await files.download(key, path);
    const rows = `read_parquet(${quoteText(path)}, hive_partitioning = false)`;
    await db.run(`COPY (${versionRuns(rows)}) TO ${quoteText(keys)} (FORMAT parquet, COMPRESSION zstd)`);
    await files.upload(keysKey(key), keys);
    return await sha256Of(keys);
  } finally {
    db.close();
    for (const each of [path, keys]) await rm(each, { force: true });
  }
}

import './compaction-errors.ts';
import './errors.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import type { SliceResult } from './compact-bucket.ts';
import { type PlanRecord, planKey, RUNS_PREFIX, resultKey } from './compact-plan.ts';
import { madeGeneration } from './compact-switch.ts';
import {
  type CurrentGeneration,
  FILES_PREFIX,
  GENERATIONS_PREFIX,
  type Generation,
  madeAtOf,
  manifestKey,
  NO_GENERATION,
  parseGeneration,
} from './generation.ts';
import { readIfThere, type WorkFiles } from './work-files.ts';

type Files = Pick<WorkFiles, 'list' | 'readText' | 'writeText'>;

/**
 * Makes the current generation's manifest anew where it is gone, of what its compaction left: the plan and the result of each
 * slice, which say every file with its bytes and hashes. Whether the files are what they say, `verify` tells by it.
 *
 * @returns its key; undefined when nothing is to be made
 * @throws `archive.manifestLost`
 */
export async function restoreManifest(files: Files, currentGeneration: CurrentGeneration): Promise<string | undefined> {
  const generation = await currentGeneration();
  const key = manifestKey(generation);
  if (generation === NO_GENERATION || (await readIfThere(files, key)) !== undefined) return undefined;
  const problems: string[] = [];
  const record = await readJson<PlanRecord>(files, planKey(generation), problems);
  const results: SliceResult[] = [];
  for (const bucket of await bucketsOf(files, generation)) {
    const result = await readJson<SliceResult>(files, resultKey(generation, bucket), problems);
    if (result !== undefined) results.push(result);
  }
  const made = problems.length === 0 ? generationOf(generation, record!, results, problems) : undefined;
  if (made !== undefined) await compareLists(files, made, problems);
  if (problems.length > 0) throw new DaybookError('archive.manifestLost', { key, problems });
  await files.writeText(key, JSON.stringify(made));
  return key;
}

async function readJson<T>(files: Files, key: string, problems: string[]): Promise<T | undefined> {
  const text = await readIfThere(files, key);
  try {
    if (text !== undefined) return JSON.parse(text) as T;
    problems.push(`${key} is gone`);
  } catch {
    problems.push(`${key} is no JSON`);
  }
  return undefined;
}

/** The buckets that the compaction had slices of: each has a work list, and a result. */
async function bucketsOf(files: Files, generation: string): Promise<readonly string[]> {
  const buckets = new Set<string>();
  for await (const page of files.list(`${RUNS_PREFIX}${generation}/`)) {
    for (const { key } of page) {
      const [, bucket] = /\/(?:lists|results)\/([0-9a-f])\.json$/.exec(key) ?? [];
      if (bucket !== undefined) buckets.add(bucket);
    }
  }
  return [...buckets].sort();
}

function generationOf(
  generation: string,
  record: PlanRecord,
  results: readonly SliceResult[],
  problems: string[],
): Generation | undefined {
  try {
    const made = madeGeneration({ generation, madeAt: madeAtOf(generation) }, record, results);
    return parseGeneration(generation, JSON.stringify(made));
  } catch (error) {
    if (!isDaybookError(error, 'archive.badManifest') && !(error instanceof TypeError)) throw error;
    const reason = isDaybookError(error, 'archive.badManifest') ? error.details.reason : error.message;
    problems.push(`${RUNS_PREFIX}${generation}/ is not what a compaction wrote: ${reason}`);
    return undefined;
  }
}

/** What Athena reads is a second witness: a slice that was repeated late may have left another result than the one that was taken. */
async function compareLists(files: Files, { generation, files: made }: Generation, problems: string[]) {
  const known = new Set(made.map(({ key }) => key));
  for await (const page of files.list(`${GENERATIONS_PREFIX}${generation}/bucket=`)) {
    for (const { key } of page) {
      const named = (await files.readText(key)).split('\n').map((line) => line.slice(line.indexOf(FILES_PREFIX)));
      const other = named.find((name) => name.startsWith(FILES_PREFIX) && !known.has(name));
      if (other !== undefined) problems.push(`${key} names ${other}, which no result names`);
    }
  }
}

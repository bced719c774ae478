import './compaction-errors.ts';
import { createHash } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import { isDay } from '../event/time.ts';
import { RAW_FILE, RAW_PREFIX } from './cold-files.ts';
import type { CompactionFiles, ListedFile } from './compaction-files.ts';
import { type GlueTable, shownGeneration } from './current-view.ts';
import {
  type CompactedFile,
  GENERATIONS_PREFIX,
  type Generation,
  NO_GENERATION,
  newGeneration,
  readGeneration,
  type TakenFile,
} from './generation.ts';

/** What a compaction is asked for. */
export interface CompactionRequest {
  /** Raw files of the arrival days before this one, `2026-01-31`, in UTC. @default today: the days that are over */
  readonly before?: string;
}

/** One bucket's share of a compaction. */
export interface CompactionSlice {
  readonly bucket: string;
  readonly files: number;
  readonly bytes: number;
  /** Where its work list is. */
  readonly list: string;
}

export interface CompactionPlan {
  readonly generation: string;
  readonly previous: string;
  readonly madeAt: string;
  readonly slices: readonly CompactionSlice[];
  /** Raw files that were left for the next run, as this one is full. */
  readonly left: number;
}

/** What a slice works with. */
export interface SliceList {
  /** In the order of arrival. */
  readonly raw: readonly ListedFile[];
  readonly old: readonly CompactedFile[];
}

export const RUNS_PREFIX = 'compacted/runs/';

export const planKey = (generation: string): string => `${RUNS_PREFIX}${generation}/plan.json`;
export const listKey = (generation: string, bucket: string): string =>
  `${RUNS_PREFIX}${generation}/lists/${bucket}.json`;
export const resultKey = (generation: string, bucket: string): string =>
  `${RUNS_PREFIX}${generation}/results/${bucket}.json`;

/** So many bytes of raw files a slice takes at once: its disk holds them beside a month of files, the new ones and the spill. */
export const SLICE_BYTES = 1.5 * 2 ** 30;
const SLICE_FILES = 5000;

/**
 * Which raw files are taken: those of closed arrival days that the current generation has not. What it has, and is not
 * deleted yet, is carried on unread. Nothing here changes what readers see.
 *
 * @throws `archive.badCompaction`, `archive.badManifest`, `archive.clockBehind`, `archive.generationLost`, `archive.notTheView`, `archive.viewDiffers`
 */
export async function planCompaction(
  files: CompactionFiles,
  given: { readonly table: GlueTable; readonly request: unknown; readonly execution: string; readonly nowMs: number },
  most: { readonly bytes: number; readonly files: number } = { bytes: SLICE_BYTES, files: SLICE_FILES },
): Promise<CompactionPlan> {
  const before = checkRequest(given.request, given.nowMs);
  const previous = await readGeneration(files.readText, shownGeneration(given.table));
  // Two executions that plan at the same millisecond make two generations.
  const suffix = createHash('md5').update(given.execution).digest('hex').slice(0, 8);
  const generation = newGeneration(previous.generation, given.nowMs, suffix);
  const known = new Map(previous.taken.map((file) => [file.key, file]));
  const byBucket = new Map<string, { raw: ListedFile[]; bytes: number }>();
  const carried: TakenFile[] = [];
  const present = new Set<string>();
  let left = 0;
  for await (const page of files.list(RAW_PREFIX)) {
    for (const file of page) {
      if (previous.generation === NO_GENERATION) present.add(file.key);
      const [, day, bucket] = RAW_FILE.exec(file.key) ?? [];
      if (day === undefined || bucket === undefined || day >= before) continue;
      if (isSame(known.get(file.key), file)) {
        carried.push({ ...file });
        continue;
      }
      const slice = byBucket.get(bucket) ?? { raw: [], bytes: 0 };
      byBucket.set(bucket, slice);
      // One file is always taken, however large it is.
      const full = slice.raw.length >= most.files || slice.bytes + file.bytes > most.bytes;
      if (full && slice.raw.length > 0) left++;
      else {
        slice.raw.push({ ...file });
        slice.bytes += file.bytes;
      }
    }
  }
  if (previous.generation === NO_GENERATION) await refuseLost(files, (key) => present.has(key));
  const slices: CompactionSlice[] = [];
  for (const [bucket, { raw, bytes }] of [...byBucket].sort()) {
    const list = listKey(generation, bucket);
    const old = previous.files.filter((file) => file.bucket === bucket);
    await files.writeText(list, JSON.stringify({ raw, old } satisfies SliceList));
    slices.push({ bucket, files: raw.length, bytes, list });
  }
  const madeAt = new Date(given.nowMs).toISOString();
  if (slices.length > 0) {
    await files.writeText(planKey(generation), JSON.stringify({ previous, carried } satisfies PlanRecord));
  }
  return { generation, previous: previous.generation, madeAt, slices, left };
}

/**
 * The view may have been made anew, and say that there is no generation, though there was one: what it took may be deleted.
 * A first compaction that did not get to its switch leaves a manifest too, but its raw files are all there.
 */
async function refuseLost(files: CompactionFiles, isPresent: (key: string) => boolean): Promise<void> {
  let last: string | undefined;
  for await (const page of files.list(GENERATIONS_PREFIX)) {
    for (const { key } of page) last = /generations\/([^/]+)\/manifest\.json$/.exec(key)?.[1] ?? last;
  }
  if (last === undefined) return;
  const { previous, taken } = await readGeneration(files.readText, last);
  if (previous !== NO_GENERATION || taken.some(({ key }) => !isPresent(key))) {
    throw new DaybookError('archive.generationLost', { generation: last });
  }
}

/** What the making of the manifest needs again. */
export interface PlanRecord {
  readonly previous: Generation;
  readonly carried: readonly TakenFile[];
}

/** Is it the file that was taken? S3 gives an object that was written again another etag, or another size. */
export function isSame(taken: TakenFile | undefined, file: ListedFile): boolean {
  return taken !== undefined && taken.bytes === file.bytes && taken.etag === file.etag;
}

/** The day that a request means: raw files that arrived before it are taken. */
export function checkRequest(given: unknown, nowMs: number): string {
  const refuse = (reason: string): never => {
    throw new DaybookError('archive.badCompaction', { reason });
  };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuse('it is no object');
  const unknown = Object.keys(given).filter((key) => key !== 'before');
  if (unknown.length > 0) return refuse(`${unknown.join(', ')} is not known`);
  const { before = new Date(nowMs).toISOString().slice(0, 10) } = given as { before?: unknown };
  return isDay(before) ? before : refuse(`\`before\` is ${JSON.stringify(before)}`);
}

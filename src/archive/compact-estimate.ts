import { GB_SECOND, GET, PUT, TRANSITION } from '../list-prices.ts';
import { RAW_FILE, RAW_PREFIX } from './cold-files.ts';
import { planRewrites } from './compact-periods.ts';
import { checkRequest, isSame } from './compact-plan.ts';
import type { CompactionFiles } from './compaction-files.ts';
import { readGeneration } from './generation.ts';

/** What a compaction would take, before anything of it is done. */
export interface CompactionEstimate {
  /** The generation that it would be made from; `none` before the first. */
  readonly from: string;
  /** Raw files of the arrival days before this one. */
  readonly before: string;
  /** The first and last arrival day that has such files; absent when there is nothing to do. */
  readonly days?: readonly [first: string, last: string];
  readonly buckets: number;
  /** Raw files that the generation has not taken. */
  readonly files: number;
  readonly bytes: number;
  /** Compacted files that would be made anew with them, as far as the arrival days tell. */
  readonly rewritten: number;
  readonly rewrittenBytes: number;
  /** Until readers have switched, about. */
  readonly seconds: number;
  /** At list prices of us-east-1, about. */
  readonly dollars: number;
}

/** Bytes of files that a function of 4 GiB merges in a second: a third of what is measured (docs/benchmarks.md), for S3 and a start. */
const MERGED_A_SECOND = 4_000_000;
const GIB = 4;
/** Slices at once (statemachines/compact.asl.json). */
const AT_ONCE = 8;
/** Starting functions, reading tables, the switch. */
const OVERHEAD_SECONDS = 10;
const LISTED_AT_ONCE = 1000;

/**
 * Prices a compaction by listing what there is; nothing is written.
 *
 * @throws `archive.badCompaction`, `archive.badManifest`
 */
export async function estimateCompaction(
  files: Pick<CompactionFiles, 'list' | 'readText'>,
  given: { readonly generation: string; readonly request: unknown; readonly nowMs: number },
): Promise<CompactionEstimate> {
  const before = checkRequest(given.request, given.nowMs);
  const previous = await readGeneration(files.readText, given.generation);
  const known = new Map(previous.taken.map((file) => [file.key, file]));
  const slices = new Map<string, Map<string, number>>();
  let days: readonly [string, string] | undefined;
  let listed = 0;
  let count = 0;
  let bytes = 0;
  for await (const page of files.list(RAW_PREFIX)) {
    listed += page.length;
    for (const file of page) {
      const [, day, bucket] = RAW_FILE.exec(file.key) ?? [];
      if (day === undefined || bucket === undefined || day >= before || isSame(known.get(file.key), file)) continue;
      const months = slices.get(bucket) ?? new Map<string, number>();
      slices.set(bucket, months);
      // When its events were recorded nobody knows before it is read; almost all arrive in that month.
      months.set(day.slice(0, 7), (months.get(day.slice(0, 7)) ?? 0) + file.bytes);
      days = days === undefined ? [day, day] : [day < days[0] ? day : days[0], day > days[1] ? day : days[1]];
      count++;
      bytes += file.bytes;
    }
  }
  let rewritten = 0;
  let rewrittenBytes = 0;
  for (const [bucket, months] of slices) {
    const ofBucket = previous.files.filter((file) => file.bucket === bucket);
    for (const file of new Set(planRewrites(months, ofBucket).flatMap(({ old }) => old))) {
      rewritten++;
      rewrittenBytes += file.bytes;
    }
  }
  const merging = (bytes + rewrittenBytes) / MERGED_A_SECOND + slices.size;
  const requests = (count + 2 * rewritten + 4 * slices.size) * GET + (listed / LISTED_AT_ONCE + 6 * slices.size) * PUT;
  const dollars = merging * GIB * GB_SECOND + requests + (20 + 4 * slices.size) * TRANSITION;
  return {
    from: previous.generation,
    before,
    ...(days !== undefined && { days }),
    buckets: slices.size,
    files: count,
    bytes,
    rewritten,
    rewrittenBytes,
    seconds: count === 0 ? 0 : Math.ceil(OVERHEAD_SECONDS + merging / Math.min(AT_ONCE, Math.max(1, slices.size))),
    dollars: count === 0 ? 0 : Math.ceil(dollars * 10_000) / 10_000,
  };
}

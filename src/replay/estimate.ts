import type { TableSize } from '../check/price.ts';
import { GB_SECOND, GET, READ_UNIT, TRANSITION, WRITE_UNIT } from '../list-prices.ts';
import { BUCKETS } from '../projection/projection-table.ts';
import type { ReplayStep } from './builds.ts';
import { isWholeHistory } from './range.ts';
import type { CheckedRequest } from './request.ts';

/** What one step of a replay will read, take and cost. */
export interface StepEstimate {
  readonly step: ReplayStep;
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly dollars: number;
}

/** What a replay will read, take and cost. Counts come from the table itself, which renews them every six hours or so. */
export interface Estimate {
  readonly events: number;
  readonly aggregates: number;
  readonly bytes: number;
  readonly seconds: number;
  /** At list prices of us-east-1. */
  readonly dollars: number;
  readonly steps: readonly StepEstimate[];
}

export interface EstimateInput {
  readonly size: TableSize;
  readonly request: CheckedRequest;
  /** Of the slices that are folded. */
  readonly slices: readonly { readonly bytes: number; readonly files: number; readonly passes: number }[];
  /** The share of all aggregates that the request looks at, in [0, 1]. */
  readonly share: number;
}

/** Events a function of 2 GB folds in a second; measured here with whole events, the slower way (docs/benchmarks.md). */
const FOLDED_A_SECOND = 100_000;
/** Bytes that it copies from S3 in a second, with room. */
const COPIED_A_SECOND = 40_000_000;
/** Heads that a function which catches up compares in a second: 32 at once, some 10 ms each, on half a core. */
const HEADS_A_SECOND = 1_500;
/** Dollars for a head, read consistently, and its state in the build. */
export const HEAD = 2 * READ_UNIT;
/** States that verifying reads in a second. */
const READ_A_SECOND = 10_000;
/** Slices that run at once (statemachines/replay.asl.json). */
const AT_ONCE = 16;
/** Parts of a build that are caught up and verified at once (statemachines/replay.asl.json). */
const PARTS_AT_ONCE = 8;
/** So many aggregates a function takes before it is worth another one: some seconds. */
const PART = 10_000;

/** Who catches up and verifies which sixteenths of the aggregates, a hex digit each: one for a few, up to sixteen. */
export function partsOf(aggregates: number): readonly string[] {
  const parts = Math.min(BUCKETS.length, Math.max(1, Math.ceil(aggregates / PART)));
  return Array.from({ length: parts }, (_, i) => BUCKETS.filter((_, bucket) => bucket % parts === i).join(''));
}

/** So many aggregates of each bucket a sample takes, on average. */
export const SAMPLED = 16;

/** Prices a replay before anything of it is done. Rounded up where it has to be guessed: a budget is not to be passed. */
export function estimateReplay({ size, request, slices, share }: EstimateInput): Estimate {
  const aggregates = Math.ceil(size.aggregates * share);
  const events = Math.ceil(size.events * share);
  const bytes = slices.reduce((sum, slice) => sum + slice.bytes, 0);
  const files = slices.reduce((sum, slice) => sum + slice.files, 0);
  const eventsPerByte = bytes === 0 ? 0 : size.events / bytes;
  const secondsOf = (slice: { readonly bytes: number }) =>
    1 + slice.bytes / COPIED_A_SECOND + (slice.bytes * eventsPerByte) / FOLDED_A_SECOND;
  // Each pass writes the states of the aggregates that it has events of, and reads those that the passes before have left.
  const passes = Math.max(1, slices.reduce((sum, slice) => sum + slice.passes, 0) / Math.max(1, slices.length));
  const states = request.rollback ? 0 : aggregates * (passes * WRITE_UNIT + Math.max(0, passes - 1) * READ_UNIT);
  const sliceSeconds = slices.map(secondsOf);
  const folding = sliceSeconds.reduce((sum, seconds) => sum + seconds, 0);
  const fold: StepEstimate = {
    step: 'fold',
    events: request.rollback ? 0 : events,
    bytes,
    seconds: Math.max(0, ...sliceSeconds) * Math.ceil(slices.length / AT_ONCE),
    dollars: folding * 2 * GB_SECOND + files * GET + states,
  };
  const heads = 1 + aggregates / HEADS_A_SECOND;
  const parts = partsOf(aggregates);
  const atOnce = Math.min(parts.length, PARTS_AT_ONCE);
  const catchUp: StepEstimate = {
    step: 'catchUp',
    events: 0,
    bytes: 0,
    seconds: heads / atOnce,
    // The index is listed, too.
    dollars: heads * GB_SECOND + aggregates * HEAD + (share * size.indexBytes * READ_UNIT) / 8192,
  };
  const folded = request.verify === 'all' ? events : Math.min(events, 16 * SAMPLED * averageOf(size));
  // Of a rebuild the live build is read beside it.
  const read = (isWholeHistory(request) ? 2 : 1) * aggregates + folded;
  const reading = 1 + read / READ_A_SECOND;
  const verify: StepEstimate = {
    step: 'verify',
    events: Math.ceil(folded),
    bytes: 0,
    seconds: reading / atOnce,
    dollars: reading * GB_SECOND + read * READ_UNIT + (40 + 6 * slices.length + 8 * parts.length) * TRANSITION,
  };
  const steps = [fold, catchUp, verify];
  const sum = (of: (step: StepEstimate) => number) => steps.reduce((total, step) => total + of(step), 0);
  return {
    events,
    aggregates,
    bytes,
    seconds: Math.ceil(sum((step) => step.seconds)),
    dollars: Math.ceil(sum((step) => step.dollars) * 10_000) / 10_000,
    steps,
  };
}

function averageOf({ events, aggregates }: TableSize): number {
  return aggregates === 0 ? 0 : events / aggregates;
}

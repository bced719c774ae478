import type { Json } from '../../cloud.ts';
import type { ExecutionStatus } from '../interpreter/execution.ts';

/** One run of a distributed Map, as data. Times are epoch milliseconds. */
export interface MapRunRecord {
  readonly arn: string;
  readonly id: string;
  readonly executionArn: string;
  /** The state machine with the Map's label. */
  readonly stateMachineArn: string;
  readonly label: string;
  readonly startDate: number;
  readonly maxConcurrency: number;
  readonly toleratedFailureCount: number | undefined;
  readonly toleratedFailurePercentage: number | undefined;
  /** Undefined until the items are read. */
  children: MapRunChild[] | undefined;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  stopDate: number | undefined;
  resultsWritten: boolean;
  redriveCount: number;
  redriveDate: number | undefined;
}

export interface MapRunChild {
  readonly input: Json;
  readonly inputText: string;
  /** How many items it is about: more than one in a batch. */
  readonly items: number;
  status: ExecutionStatus | 'PENDING';
  executionArn: string | undefined;
}

export class MapRuns {
  readonly #runs = new Map<string, MapRunRecord>();

  add(run: MapRunRecord): void {
    this.#runs.set(run.arn, run);
  }

  get(arn: string): MapRunRecord | undefined {
    return this.#runs.get(arn);
  }

  all(): Iterable<MapRunRecord> {
    return this.#runs.values();
  }

  of(executionArn: string): readonly MapRunRecord[] {
    return [...this.#runs.values()].filter((run) => run.executionArn === executionArn);
  }
}

const COUNTED = {
  PENDING: 'pending',
  PENDING_REDRIVE: 'pendingRedrive',
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  ABORTED: 'aborted',
} as const satisfies Record<MapRunChild['status'], string>;

/** `itemCounts` and `executionCounts` of DescribeMapRun. */
export function countsOf(run: MapRunRecord, by: 'items' | 'executions'): Record<string, number> {
  const counts: Record<string, number> = { total: 0, resultsWritten: 0, failuresNotRedrivable: 0 };
  for (const name of Object.values(COUNTED)) counts[name] = 0;
  for (const child of run.children ?? []) {
    const weight = by === 'items' ? child.items : 1;
    counts.total! += weight;
    counts[COUNTED[child.status]]! += weight;
    // The count of results of the children that have ended; nothing is written without a ResultWriter, and still counted.
    if (child.status === 'SUCCEEDED' || run.resultsWritten) counts.resultsWritten! += weight;
  }
  return counts;
}

/**
 * "A Map Run fails when the failed items exceed the tolerated count or percentage", each only if it is given; without
 * either the first failure is one too many.
 */
export function thresholdExceeded(run: MapRunRecord): boolean {
  const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = run;
  const counts = countsOf(run, 'items');
  const failed = counts.failed! + counts.timedOut! + counts.aborted!;
  if (count === undefined && percentage === undefined) return failed > 0;
  if (count !== undefined && failed > count) return true;
  return percentage !== undefined && (failed / counts.total!) * 100 > percentage;
}

import './errors.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { DaybookError } from '../errors.ts';
import type { QueryEngine, QueryStatus } from './query-engine.ts';

export interface RunQueryOptions {
  readonly sql: string;
  /** Literals, one for each `?`. */
  readonly parameters: readonly string[];
  /** When it rises the query is stopped: it would go on otherwise, and cost. */
  readonly signal?: AbortSignal;
  readonly onStatus?: (status: QueryStatus) => void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/**
 * Runs a query to its end.
 *
 * @throws `archive.queryFailed`, `archive.queryStopped`
 */
export async function runQuery(
  engine: QueryEngine,
  { sql, parameters, signal, onStatus }: RunQueryOptions,
): Promise<{ readonly queryId: string; readonly status: QueryStatus }> {
  const queryId = await engine.start(sql, parameters);
  let isStopping = false;
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(LONGEST_PAUSE_MS, wait * 1.3)) {
    if (signal?.aborted === true && !isStopping) {
      isStopping = true;
      await engine.stop(queryId);
    }
    const status = await engine.status(queryId);
    if (status.state === 'SUCCEEDED' && !isStopping) return { queryId, status };
    if (status.state === 'FAILED') throw failure(queryId, sql, status);
    if (status.state === 'CANCELLED' || status.state === 'SUCCEEDED') {
      if (!isStopping) throw failure(queryId, sql, status);
      throw new DaybookError('archive.queryStopped', { queryId, scannedBytes: status.scannedBytes });
    }
    onStatus?.(status);
    await pause(wait, undefined, isStopping || signal === undefined ? {} : { signal }).catch(() => {});
  }
}

function failure(queryId: string, sql: string, { reason = 'no reason was given', scannedBytes }: QueryStatus) {
  return new DaybookError('archive.queryFailed', { queryId, reason, sql, scannedBytes });
}

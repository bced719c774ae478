import './errors.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { DaybookError, isDaybookError } from '../errors.ts';
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

export interface RanQuery {
  readonly queryId: string;
  /** With the bytes of the query that was asked before it, if it was asked again. */
  readonly status: QueryStatus;
}

/**
 * Runs a query to its end. One that only reads is asked once more when a file that it had listed was gone as it came to open it:
 * a compaction deletes originals two hours after its switch, and a query that began after that deletion does not list them.
 *
 * @throws `archive.queryFailed`, `archive.queryStopped`
 */
export async function runQuery(engine: QueryEngine, options: RunQueryOptions): Promise<RanQuery> {
  try {
    return await runOnce(engine, options);
  } catch (error) {
    if (!isDaybookError(error, 'archive.queryFailed') || options.signal?.aborted === true) throw error;
    const { reason, scannedBytes } = error.details as { reason: string; scannedBytes: number };
    if (!reason.includes('HIVE_CANNOT_OPEN_SPLIT') || !READS_ONLY.test(options.sql)) throw error;
    const { queryId, status } = await runOnce(engine, options);
    return { queryId, status: { ...status, scannedBytes: status.scannedBytes + scannedBytes } };
  }
}

/** After its comments, which a saved query begins with. What writes may have written a part: it is not for us to repeat. */
const READS_ONLY = /^\s*(?:--[^\n]*\n\s*)*(?:SELECT|WITH)\b/i;

async function runOnce(engine: QueryEngine, { sql, parameters, signal, onStatus }: RunQueryOptions): Promise<RanQuery> {
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

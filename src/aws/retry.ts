import { type Backoff, type Pauses, pause } from '../store/backoff.ts';

/**
 * Errors after which the same call may be made again. The SDK itself retries most of them, but not a cancelled transaction,
 * and only three times.
 */
const PASSING = new Set([
  'InternalServerError',
  'InternalServerErrorException',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'ThrottlingException',
  'Throttling',
  'TransactionConflictException',
  'TransactionInProgressException',
  'TimeoutError',
]);

const PASSING_NETWORK = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

/** "ThrottlingError", "ProvisionedThroughputExceeded" and "TransactionConflict" are the passing reasons of a cancelled transaction. */
export const PASSING_REASONS = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (PASSING.has(name) || (code !== undefined && PASSING_NETWORK.has(code))) return true;
  return ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** Makes a call again while it fails in a passing way, with growing, jittered pauses; the last failure is thrown. */
export async function retry<T>(call: () => Promise<T>, backoff: Backoff, pauses: Pauses): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt >= backoff.attempts || !isPassing(error)) throw error;
    }
    await pause(backoff, attempt, pauses);
  }
}

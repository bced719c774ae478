import { type Backoff, type Pauses, pause } from '../store/backoff.ts';

/**
 * Errors after which the same call may be made again, also as the reasons of a cancelled transaction ("ThrottlingError"). The SDK
 * itself retries most of them, but not a cancelled transaction, and only three times.
 */
const PASSING =
  /^(InternalServerError|LimitExceeded|ProvisionedThroughputExceeded|RequestLimitExceeded|ServiceUnavailable|Throttling|TransactionConflict|TransactionInProgress|Timeout)(Error|Exception)?$/;

export const isPassingName = (name = ''): boolean => PASSING.test(name);

const PASSING_NETWORK = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (isPassingName(name) || (code !== undefined && PASSING_NETWORK.has(code))) return true;
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

/** Pauses between attempts: exponential with full jitter, so that writers who collided do not collide again. */
export interface Backoff {
  /** How often at the most, the first attempt included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
}

/** What pausing needs; both can be given for virtual time. */
export interface Pauses {
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export const realPauses: Pauses = {
  random: Math.random,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Waits before attempt `attempt` + 1; attempts count from 1. */
export async function pause(backoff: Backoff, attempt: number, pauses: Pauses): Promise<void> {
  const ceiling = Math.min(backoff.capMs, backoff.baseMs * 2 ** (attempt - 1));
  await pauses.sleep(Math.ceil(pauses.random() * ceiling));
}

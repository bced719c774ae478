import type { Json } from '../../cloud.ts';
import type { Kernel, Timer } from '../../kernel/kernel.ts';
import { StateFailure } from '../failure.ts';

interface Waiting {
  readonly resolve: (output: Json) => void;
  readonly reject: (failure: StateFailure) => void;
  readonly heartbeatMs: number | undefined;
  timer: Timer | undefined;
}

/** The tasks that wait for their token to come back. */
export class TaskTokens {
  readonly #kernel: Kernel;
  readonly #waiting = new Map<string, Waiting>();
  readonly #issued = new Set<string>();
  readonly #open = new Set<string>();
  /** Answers that came before the task had finished handing its token over. */
  readonly #early = new Map<string, (waiting: Waiting) => void>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  issue(): string {
    const token = `AQCoAAAAKgAAAAMAAAAAAAAAA${Buffer.from(this.#kernel.random.hex(96)).toString('base64')}`;
    this.#issued.add(token);
    this.#open.add(token);
    return token;
  }

  /** Is the token one of ours, and does its task still wait? */
  state(token: string): 'unknown' | 'waiting' | 'over' {
    if (this.#open.has(token)) return 'waiting';
    return this.#issued.has(token) ? 'over' : 'unknown';
  }

  /** Resolves with the output that SendTaskSuccess brings. Each heartbeat starts the time for the next one anew. */
  wait(token: string, heartbeatMs: number | undefined): Promise<Json> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject, heartbeatMs, timer: undefined };
      this.#waiting.set(token, waiting);
      this.#startHeartbeat(token, waiting);
      this.#early.get(token)?.(waiting);
    });
  }

  /** The task does not wait any more, whatever comes. */
  close(token: string): void {
    this.#waiting.get(token)?.timer?.cancel();
    this.#waiting.delete(token);
    this.#early.delete(token);
    this.#open.delete(token);
  }

  succeed(token: string, output: Json): void {
    this.#answer(token, (waiting) => waiting.resolve(output));
  }

  fail(token: string, error: string | undefined, cause: string | undefined): void {
    this.#answer(token, (waiting) => waiting.reject(new StateFailure(error, cause, { origin: 'task' })));
  }

  heartbeat(token: string): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    waiting.timer?.cancel();
    this.#startHeartbeat(token, waiting);
  }

  #answer(token: string, answer: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(token);
    this.#open.delete(token);
    if (waiting === undefined) this.#early.set(token, answer);
    else answer(waiting);
  }

  #startHeartbeat(token: string, waiting: Waiting): void {
    if (waiting.heartbeatMs === undefined) return;
    waiting.timer = this.#kernel.scheduler.after(waiting.heartbeatMs, () => {
      this.#open.delete(token);
      waiting.reject(timeoutFailure(true));
    });
  }
}

/**
 * A task that ran out of time. A missed heartbeat reports States.Timeout too, and is also matched by the name
 * States.HeartbeatTimeout: "HeartbeatTimeout is available inside the Catch and Retry fields."
 */
export function timeoutFailure(heartbeat = false): StateFailure {
  return new StateFailure('States.Timeout', undefined, {
    origin: 'task',
    ...(heartbeat ? { aliases: ['States.HeartbeatTimeout'] } : {}),
  });
}

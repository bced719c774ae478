import type { Json } from '../../cloud.ts';
import type { Kernel, Timer } from '../../kernel/kernel.ts';
import { StateFailure } from '../failure.ts';
import { errorAndCause } from './history.ts';

interface Waiting {
  readonly resolve: (output: Json) => void;
  readonly reject: (failure: StateFailure) => void;
  readonly heartbeatMs: number | undefined;
  timer: Timer | undefined;
}

/** What came back with a token. */
export type TokenAnswer =
  | { readonly output: Json }
  | { readonly failure: { readonly error?: string; readonly cause?: string } };

function settle(waiting: Waiting, answer: TokenAnswer): void {
  if ('output' in answer) waiting.resolve(answer.output);
  else waiting.reject(new StateFailure(answer.failure.error, answer.failure.cause, { origin: 'task' }));
}

/** The tasks that wait for their token to come back. */
export class TaskTokens {
  readonly #kernel: Kernel;
  readonly #waiting = new Map<string, Waiting>();
  readonly #issued = new Set<string>();
  readonly #open = new Set<string>();
  /** Answers that came before the task had finished handing its token over. */
  readonly #early = new Map<string, TokenAnswer>();
  readonly #answered: (token: string, answer: TokenAnswer | undefined) => void;

  /** `answered` is told of every answer, and with undefined when its task has taken it. */
  constructor(kernel: Kernel, answered: (token: string, answer: TokenAnswer | undefined) => void = () => {}) {
    this.#kernel = kernel;
    this.#answered = answered;
  }

  /** An answer that was written down, for a task that is taken up again. */
  restore(token: string, answer: TokenAnswer | undefined): void {
    if (answer === undefined) this.#early.delete(token);
    else this.#early.set(token, answer);
  }

  /** The task of a token that was issued before waits again, unless its answer is there. */
  reopen(token: string): void {
    this.#issued.add(token);
    if (!this.#early.has(token)) this.#open.add(token);
  }

  /** Answers that no task has taken yet. */
  answers(): Iterable<[string, TokenAnswer]> {
    return this.#early;
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
      const early = this.#early.get(token);
      if (early !== undefined) settle(waiting, early);
    });
  }

  /** The task does not wait any more, whatever comes. */
  close(token: string): void {
    this.#waiting.get(token)?.timer?.cancel();
    this.#waiting.delete(token);
    if (this.#early.delete(token)) this.#answered(token, undefined);
    this.#open.delete(token);
  }

  succeed(token: string, output: Json): void {
    this.#answer(token, { output });
  }

  fail(token: string, error: string | undefined, cause: string | undefined): void {
    this.#answer(token, { failure: errorAndCause(error, cause) });
  }

  heartbeat(token: string): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    waiting.timer?.cancel();
    this.#startHeartbeat(token, waiting);
  }

  #answer(token: string, answer: TokenAnswer): void {
    const waiting = this.#waiting.get(token);
    this.#open.delete(token);
    // Until the task has taken it, a restart must find it.
    this.#early.set(token, answer);
    this.#answered(token, answer);
    if (waiting !== undefined) settle(waiting, answer);
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

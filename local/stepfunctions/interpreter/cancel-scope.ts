/** Why work is given up: a sibling failed, the state machine was stopped or ran out of time, or its history is full. */
export type Interruption = 'siblingFailed' | 'executionEnded';

/** Thrown at whoever waits in a scope that is cancelled. It is no failure: nothing retries or catches it. */
export class Interrupted extends Error {
  readonly reason: Interruption;
  constructor(reason: Interruption) {
    super(reason);
    this.reason = reason;
  }
}

/** A tree of work that can be given up from any of its nodes downwards. */
export class CancelScope {
  #reason: Interruption | undefined;
  readonly #listeners = new Set<(interrupted: Interrupted) => void>();

  get reason(): Interruption | undefined {
    return this.#reason;
  }

  cancel(reason: Interruption): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const interrupted = new Interrupted(reason);
    for (const listener of [...this.#listeners]) listener(interrupted);
    this.#listeners.clear();
  }

  /** A scope that ends with this one, and can end before; `release` it when its work is done. */
  child(): { readonly scope: CancelScope; release(): void } {
    const scope = new CancelScope();
    if (this.#reason !== undefined) scope.cancel(this.#reason);
    const release = this.onCancel(({ reason }) => scope.cancel(reason));
    return { scope, release };
  }

  onCancel(listener: (interrupted: Interrupted) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  throwIfCancelled(): void {
    if (this.#reason !== undefined) throw new Interrupted(this.#reason);
  }

  /** The work's outcome, unless the scope is cancelled first; the work's later outcome is then dropped. */
  async race<T>(work: Promise<T>): Promise<T> {
    this.throwIfCancelled();
    let release = () => {};
    const cancelled = new Promise<never>((_, reject) => {
      release = this.onCancel(reject);
    });
    try {
      return await Promise.race([work, cancelled]);
    } finally {
      release();
      work.catch(() => {});
      cancelled.catch(() => {});
    }
  }
}

/** How long an invocation waits for what an effect or an act does. */
export interface TimeLimit {
  /** Answers with what `work` comes to; fails with `OutOfTime` where that has not come when the invocation has to end. */
  run<T>(work: () => T | PromiseLike<T>): Promise<T>;
  /** The invocation is over. */
  end(): void;
}

/** It was waited for as long as could be, and may be under way still. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
  readonly waitedMs: number;
  /** Had it a good part of an invocation’s time, though the lease was waited for before? Then another one gives it hardly more. */
  readonly hadItsTime: boolean;

  constructor(waitedMs: number, hadItsTime: boolean) {
    super(`not done after ${waitedMs} ms`);
    this.waitedMs = waitedMs;
    this.hadItsTime = hadItsTime;
  }
}

/** `keptMs`: what is kept of the time, to note how it ended. */
export function createTimeLimit(remainingMs: () => number, keptMs: number): TimeLimit {
  const wholeMs = remainingMs();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let end: Promise<typeof OVER> | undefined;
  let isOver = false;
  return {
    async run(work) {
      const leftMs = remainingMs();
      if (isOver) throw new OutOfTime(0, false); // nothing begins that would be cut off
      const working = work();
      if (typeof (working as PromiseLike<unknown> | null | undefined)?.then !== 'function') return working;
      // One for all of an invocation, and none where nothing is waited for.
      end ??= new Promise((resolve) => {
        const ends = () => {
          isOver = true;
          resolve(OVER);
        };
        timer = setTimeout(ends, Math.max(0, leftMs - keptMs));
      });
      const first = await Promise.race([working, end]);
      if (first === OVER) throw new OutOfTime(Math.round(leftMs - remainingMs()), leftMs >= wholeMs / 3);
      return first;
    },
    end: () => clearTimeout(timer),
  };
}

const OVER = Symbol('over');

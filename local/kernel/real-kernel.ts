import { randomBytes } from 'node:crypto';
import { type Kernel, type Scheduler, seededRandom } from './kernel.ts';

export interface RealKernel extends Kernel {
  /** Cancels every pending timer, so that the process can end. */
  stop(): void;
}

/** Wall clock and real timers; chance from the operating system unless a seed is given. */
export function realKernel(
  options: { readonly seed?: number; readonly onError?: (error: unknown) => void } = {},
): RealKernel {
  const onError =
    options.onError ??
    ((error: unknown) => {
      throw error;
    });
  const pending = new Set<NodeJS.Timeout>();
  let stopped = false;
  const scheduler: Scheduler = {
    after(delayMs, task) {
      if (stopped) return { cancel() {} };
      const timer = setTimeout(async () => {
        pending.delete(timer);
        try {
          await task();
        } catch (error) {
          onError(error);
        }
      }, delayMs);
      pending.add(timer);
      return {
        cancel() {
          clearTimeout(timer);
          pending.delete(timer);
        },
      };
    },
    sleep: (delayMs) => new Promise((resolve) => scheduler.after(delayMs, () => resolve())),
  };
  return {
    clock: { now: () => Date.now() },
    random: seededRandom(options.seed ?? randomBytes(4).readUInt32LE(0)),
    scheduler,
    stop() {
      stopped = true;
      for (const timer of pending) clearTimeout(timer);
      pending.clear();
    },
  };
}

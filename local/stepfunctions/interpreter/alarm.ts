import type { Kernel, Timer } from '../../kernel/kernel.ts';
import type { CancelScope } from './cancel-scope.ts';

/** The longest pause that a timer of the operating system holds; a state may wait for a year. */
const LONGEST_MS = 2_147_483_647;

/** Runs the task at a time, however far off. */
export function at(kernel: Kernel, time: number, task: () => void): Timer {
  let timer: Timer;
  const arm = () => {
    const left = time - kernel.clock.now();
    timer =
      left <= LONGEST_MS ? kernel.scheduler.after(Math.max(0, left), task) : kernel.scheduler.after(LONGEST_MS, arm);
  };
  arm();
  return { cancel: () => timer.cancel() };
}

/** Waits until a time, or is interrupted. */
export async function sleepUntil(kernel: Kernel, time: number, scope: CancelScope): Promise<void> {
  scope.throwIfCancelled();
  if (time <= kernel.clock.now()) return;
  let alarm: Timer | undefined;
  try {
    await scope.race(
      new Promise<void>((resolve) => {
        alarm = at(kernel, time, resolve);
      }),
    );
  } finally {
    alarm?.cancel();
  }
}

/** The work's outcome, or the failure if it is not there in time. */
export async function within<T>(
  kernel: Kernel,
  time: number | undefined,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  if (time === undefined) return await work;
  let alarm: Timer | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    alarm = at(kernel, time, () => reject(late()));
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    alarm?.cancel();
    work.catch(() => {});
  }
}

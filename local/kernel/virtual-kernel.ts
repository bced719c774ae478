import { type Kernel, seededRandom } from './kernel.ts';

export interface VirtualKernel extends Kernel {
  /** Runs tasks in time order until none is left at or before `untilMs`; the clock then stands at `untilMs`. */
  run(untilMs: number): Promise<void>;
  /** How many tasks wait. */
  pending(): number;
}

interface Task {
  readonly at: number;
  readonly order: number;
  run: (() => unknown) | undefined;
}

/** Seeded virtual time: nothing sleeps, the clock jumps to the next task once everything that was started has settled. */
export function virtualKernel(options: {
  readonly seed: number;
  readonly startMs?: number;
  /**
   * All that tasks start settles by promises alone, and nothing waits for the operating system: then the next task needs no turn of
   * Node's event loop. Default false.
   */
  readonly promisesOnly?: boolean;
}): VirtualKernel {
  const heap: Task[] = [];
  let now = options.startMs ?? Date.UTC(2026, 0, 1);
  let order = 0;
  const failures: unknown[] = [];
  const before = (a: Task, b: Task) => a.at < b.at || (a.at === b.at && a.order < b.order);

  const push = (task: Task) => {
    let i = heap.push(task) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(task, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = task;
  };
  const pop = (): Task => {
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, last)) break;
        heap[i] = heap[child]!;
        i = child;
      }
      heap[i] = last;
    }
    return top;
  };

  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  // Node calls a tick back once no promise has anything left to do.
  const settled =
    options.promisesOnly === true ? () => new Promise<void>((resolve) => process.nextTick(resolve)) : turn;
  const after = (delayMs: number, run: () => unknown) => {
    // Whole milliseconds, as the real clock tells them: sequence numbers are made of them.
    const task: Task = { at: now + Math.max(0, Math.ceil(delayMs)), order: order++, run };
    push(task);
    return {
      cancel() {
        task.run = undefined;
      },
    };
  };
  return {
    clock: { now: () => now },
    random: seededRandom(options.seed),
    scheduler: { after, sleep: (delayMs) => new Promise((resolve) => after(delayMs, () => resolve())) },
    async run(untilMs) {
      await turn();
      while (heap.length > 0 && heap[0]!.at <= untilMs) {
        const task = pop();
        if (task.run === undefined) continue;
        now = task.at;
        try {
          const result = task.run();
          if (result instanceof Promise) result.catch((error) => failures.push(error));
        } catch (error) {
          failures.push(error);
        }
        await settled();
        if (failures.length > 0) throw failures[0];
      }
      now = Math.max(now, untilMs);
    },
    pending: () => heap.filter((task) => task.run !== undefined).length,
  };
}

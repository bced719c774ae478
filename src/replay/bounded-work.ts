/** Runs at most `limit` tasks at once. `add` waits for room; the first failure is thrown by the next `add` or by `settled`. */
export function boundedWork(limit: number) {
  let running = 0;
  const failures: unknown[] = [];
  /** Who waits for a task to end; each looks again and may wait on. */
  let waiting: (() => void)[] = [];
  const ended = () => {
    running--;
    const told = waiting;
    waiting = [];
    for (const tell of told) tell();
  };
  const anEnd = () => new Promise<void>((resolve) => waiting.push(resolve));
  const check = () => {
    if (failures.length > 0) throw failures[0];
  };
  return {
    async add(task: () => Promise<unknown>): Promise<void> {
      while (running >= limit) await anEnd();
      check();
      running++;
      task()
        .catch((error) => {
          failures.push(error);
        })
        .then(ended);
    },
    async settled(): Promise<void> {
      while (running > 0) await anEnd();
      check();
    },
  };
}

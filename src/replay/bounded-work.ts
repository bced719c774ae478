/** Runs at most `limit` tasks at once. `add` waits for room; the first failure is thrown by the next `add` or by `settled`. */
export function boundedWork(limit: number) {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const check = () => {
    if (failures.length > 0) throw failures[0];
  };
  return {
    async add(task: () => Promise<unknown>): Promise<void> {
      while (running.size >= limit) await Promise.race(running);
      check();
      const work: Promise<void> = task()
        .then(
          () => {},
          (error) => {
            failures.push(error);
          },
        )
        .then(() => {
          running.delete(work);
        });
      running.add(work);
    },
    async settled(): Promise<void> {
      await Promise.all(running);
      check();
    },
  };
}

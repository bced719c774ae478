/**
 * Runs at most `limit` tasks at once. `add` begins one, and answers with a promise only where there is no room yet; the first
 * failure is thrown by the next `add` or by `settled`.
 */
export function boundedWork(limit: number) {
  let running = 0;
  const failures: unknown[] = [];
  /** Who waits for a task to end; each looks again and may wait on. */
  let waiting: (() => void)[] = [];
  const ended = () => {
    running--;
    if (waiting.length === 0) return;
    const told = waiting;
    waiting = [];
    for (const tell of told) tell();
  };
  const failed = (error: unknown) => {
    failures.push(error);
    ended();
  };
  const anEnd = () => new Promise<void>((resolve) => waiting.push(resolve));
  const begin = (task: () => Promise<unknown>) => {
    if (failures.length > 0) throw failures[0];
    running++;
    task().then(ended, failed);
  };
  const beginLater = async (task: () => Promise<unknown>) => {
    while (running >= limit) await anEnd();
    begin(task);
  };
  return {
    add(task: () => Promise<unknown>): Promise<void> | undefined {
      if (running >= limit) return beginLater(task);
      begin(task);
      return undefined;
    },
    async settled(): Promise<void> {
      while (running > 0) await anEnd();
      if (failures.length > 0) throw failures[0];
    },
  };
}

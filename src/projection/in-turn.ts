/** By whoever shares it and by name, the end of the task that was added last. */
const queues = new WeakMap<object, Map<string, Promise<unknown>>>();

/** Runs tasks of one name one after the other, as far as they share the object. */
export async function inTurn<T>(shared: object, name: string, task: () => Promise<T>): Promise<T> {
  const queue = queues.get(shared) ?? new Map<string, Promise<unknown>>();
  queues.set(shared, queue);
  const before = queue.get(name);
  const run = before === undefined ? task() : before.then(task);
  const end = run.catch(() => {});
  queue.set(name, end);
  try {
    return await run;
  } finally {
    if (queue.get(name) === end) queue.delete(name);
  }
}

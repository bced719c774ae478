import type { Json } from '../cloud.ts';
import type { Queue, Waiter } from './queue.ts';
import type { Queues } from './queues.ts';

/** Long polling: answers as soon as `tryReceive` finds something, and with nothing when the time is over. */
export function waitForMessages(
  queues: Queues,
  queue: Queue,
  waitMs: number,
  tryReceive: () => readonly Json[],
): Promise<readonly Json[]> {
  return new Promise((resolve) => {
    let messages: readonly Json[] = [];
    const waiter: Waiter = {
      receive() {
        messages = tryReceive();
        return messages.length > 0;
      },
      end() {
        queue.waiters.delete(waiter);
        timeout.cancel();
        resolve(messages);
        setAlarm(queues, queue);
      },
    };
    const timeout = queues.cloud.kernel.scheduler.after(waitMs, () => waiter.end());
    queue.waiters.add(waiter);
    setAlarm(queues, queue);
  });
}

/**
 * Calls back once, as soon as something can be received, and takes nothing: a reader of this process need not ask again and again.
 * Gives the way to stop it.
 */
export function tellWhenAvailable(queues: Queues, queue: Queue, listener: () => void): () => void {
  const waiter: Waiter = {
    receive: () => queue.hasReady(queues.cloud.kernel.clock.now()),
    end() {
      if (!queue.waiters.delete(waiter)) return;
      listener();
      setAlarm(queues, queue);
    },
  };
  queue.waiters.add(waiter);
  if (waiter.receive()) waiter.end();
  else setAlarm(queues, queue);
  return () => {
    if (queue.waiters.delete(waiter)) setAlarm(queues, queue);
  };
}

/** Gives those who wait what has become available, first come first served. */
export function wakeWaiters(queues: Queues, queue: Queue): void {
  for (const waiter of [...queue.waiters]) {
    if (!waiter.receive()) break;
    waiter.end();
  }
  setAlarm(queues, queue);
}

/** While somebody waits, one timer watches for the next delayed or invisible message. */
function setAlarm(queues: Queues, queue: Queue): void {
  const due = queue.waiters.size === 0 ? undefined : queue.nextDueMs();
  if (queue.alarm?.at === due) return;
  queue.alarm?.timer.cancel();
  queue.alarm = undefined;
  if (due === undefined) return;
  const { scheduler, clock } = queues.cloud.kernel;
  const timer = scheduler.after(Math.max(0, due - clock.now()), () => {
    queue.alarm = undefined;
    wakeWaiters(queues, queue);
  });
  queue.alarm = { at: due, timer };
}

import type { StoredEvent } from '../event/stored-event.ts';
import type { Runner } from './runner.ts';

/** The runner that throws, where a fold fails on an event, what is made of the event and the failure. */
export function catchingRunner(runner: Runner, failed: (event: StoredEvent, cause: unknown) => unknown): Runner {
  return {
    ...runner,
    apply(fold, event, counts, mostKeys) {
      try {
        return runner.apply(fold, event, counts, mostKeys);
      } catch (cause) {
        throw failed(event, cause);
      }
    },
  };
}

import { isDaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { Runner } from './runner.ts';

/** What a person's code could not do with one event: the fold, its map, or an upcast before it. */
export class FailingFold {
  readonly version: number;
  readonly type: string;
  readonly cause: unknown;

  constructor({ version, type }: Pick<StoredEvent, 'version' | 'type'>, cause: unknown) {
    this.version = version;
    this.type = type;
    this.cause = cause;
  }
}

/** The runner whose failures are told apart from those of the services, which are worth another try. */
export function tellingRunner(runner: Runner): Runner {
  return {
    ...runner,
    apply(fold, event, counts, mostKeys) {
      try {
        return runner.apply(fold, event, counts, mostKeys);
      } catch (cause) {
        // An event of a newer schema waits for the deployment that knows it.
        if (isDaybookError(cause, 'event.newerSchema')) throw cause;
        throw new FailingFold(event, cause);
      }
    },
  };
}

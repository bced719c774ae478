import { isDaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { catchingRunner } from './catching-runner.ts';
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
export const tellingRunner = (runner: Runner): Runner =>
  // An event of a newer schema waits for the deployment that knows it.
  catchingRunner(runner, (event, cause) =>
    isDaybookError(cause, 'event.newerSchema') ? cause : new FailingFold(event, cause),
  );

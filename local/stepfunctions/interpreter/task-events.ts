import type { StateFailure } from '../failure.ts';
import type { TaskTarget } from '../integration/integration.ts';
import type { Execution } from './execution.ts';
import type { Frame } from './frame.ts';
import { errorAndCause, input, output } from './history.ts';

interface Times {
  readonly timeout: number | undefined;
  readonly heartbeat: number | undefined;
}

/** The events of one attempt at a task: a function named by its ARN has its own family of them. */
export class TaskEvents {
  readonly #execution: Execution;
  readonly #frame: Frame;
  readonly #target: TaskTarget;

  constructor(execution: Execution, frame: Frame, target: TaskTarget) {
    this.#execution = execution;
    this.#frame = frame;
    this.#target = target;
  }

  get #isFunction(): boolean {
    return this.#target.kind === 'function';
  }

  get #names(): { resource: string; resourceType: string } {
    return { resource: this.#target.resource, resourceType: this.#target.resourceType };
  }

  #add(type: string, name?: string, details?: object): void {
    this.#frame.lastEvent = this.#execution.history.add(type, this.#frame.lastEvent, name, details);
  }

  scheduled(text: string, { timeout, heartbeat }: Times): void {
    const limits = {
      ...(timeout === undefined ? {} : { timeoutInSeconds: timeout }),
      ...(heartbeat === undefined || this.#isFunction ? {} : { heartbeatInSeconds: heartbeat }),
    };
    if (this.#isFunction) {
      const details = { ...input(text), resource: this.#target.resource, ...limits };
      this.#add('LambdaFunctionScheduled', 'lambdaFunctionScheduled', details);
    } else {
      const { region } = this.#execution.around.cloud.account;
      this.#add('TaskScheduled', 'taskScheduled', { parameters: text, region, ...this.#names, ...limits });
    }
  }

  started(): void {
    if (this.#isFunction) this.#add('LambdaFunctionStarted');
    else this.#add('TaskStarted', 'taskStarted', this.#names);
  }

  submitted(text: string): void {
    this.#add('TaskSubmitted', 'taskSubmitted', { ...output(text), ...this.#names });
  }

  succeeded(text: string): void {
    if (this.#isFunction) this.#add('LambdaFunctionSucceeded', 'lambdaFunctionSucceeded', output(text));
    else this.#add('TaskSucceeded', 'taskSucceeded', { ...output(text), ...this.#names });
  }

  failed({ error, cause }: StateFailure): void {
    const ending = error === 'States.Timeout' ? 'TimedOut' : 'Failed';
    const details = errorAndCause(error, cause);
    if (this.#isFunction) this.#add(`LambdaFunction${ending}`, `lambdaFunction${ending}`, details);
    else this.#add(`Task${ending}`, `task${ending}`, { ...details, ...this.#names });
  }
}

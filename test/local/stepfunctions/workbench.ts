import { type Cloud, createCloud, type Json, ROOT, type Service, ServiceError } from '../../../local/cloud.ts';
import { FORWARDED } from '../../../local/eventbridge/target-call.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createStepFunctions } from '../../../local/stepfunctions/service.ts';

export const ROLE = 'arn:aws:iam::000000000000:role/machine';
export const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

export const functionArn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
export const machineArn = (name: string) => `arn:aws:states:us-east-1:000000000000:stateMachine:${name}`;

/** A function's stand-in: what it answers, or an error with the name that a runtime would report. */
export type Handler = (
  event: Json,
  call: { readonly attempt: number; readonly kernel: VirtualKernel },
) => Promise<Json> | Json;

export class FunctionError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface Result {
  readonly status: string;
  readonly output: Json;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly arn: string;
  /** How long it took on the machine's clock. */
  readonly ms: number;
  readonly history: readonly Json[];
  /** The types of its events. */
  readonly events: readonly string[];
}

/** A cloud in virtual time with Step Functions and stand-ins for what lies beyond it. */
export class Workbench {
  readonly kernel: VirtualKernel;
  readonly cloud: Cloud;
  /** Every call to a service other than Step Functions, with who made it. */
  readonly calls: { service: string; operation: string; input: Json; principal: string }[] = [];
  readonly objects = new Map<string, Buffer>();
  readonly handlers: Record<string, Handler>;
  #machines = 0;

  constructor(
    handlers: Record<string, Handler> = {},
    services: Record<string, (operation: string, input: Json) => Json> = {},
  ) {
    this.kernel = virtualKernel({ seed: 7, startMs: START });
    this.cloud = createCloud(this.kernel);
    this.handlers = handlers;
    createStepFunctions(this.cloud);
    this.#register('lambda', (operation, input) => this.#invoke(operation, input));
    this.#register('s3', (operation, input) => this.#s3(operation, input));
    for (const [name, handle] of Object.entries(services)) this.#register(name as Service['name'], handle);
  }

  #register(name: Service['name'], handle: (operation: string, input: Json) => Json): void {
    this.cloud.register({
      name,
      handle: (operation, input, { principal }) => {
        if (FORWARDED in input) return {}; // the executions' own status events
        this.calls.push({ service: name, operation, input, principal });
        return handle(operation, input);
      },
    });
  }

  readonly #attempts = new Map<string, number>();

  async #invoke(operation: string, input: Json): Promise<Json> {
    if (operation !== 'Invoke') throw new ServiceError('UnknownOperationException', operation);
    const name = String(input.FunctionName).split(':').at(-1)!;
    const handler = this.handlers[name];
    if (handler === undefined) {
      throw new ServiceError('ResourceNotFoundException', `Function not found: ${input.FunctionName}`, { status: 404 });
    }
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    const answer = (value: Json, more = {}) => ({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      Payload: Buffer.from(value === undefined ? 'null' : JSON.stringify(value)),
      ...more,
    });
    try {
      return answer(await handler(JSON.parse(input.Payload), { attempt, kernel: this.kernel }));
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      return answer({ errorType: error.name, errorMessage: error.message, trace: [] }, { FunctionError: 'Unhandled' });
    }
  }

  #s3(operation: string, { Bucket, Key, Prefix = '', Body, ContinuationToken }: Json): Json {
    if (operation === 'PutObject') {
      this.objects.set(`${Bucket}/${Key}`, Body);
      return { ETag: '"e"' };
    }
    if (operation === 'GetObject') {
      const found = this.objects.get(`${Bucket}/${Key}`);
      if (found === undefined)
        throw new ServiceError('NoSuchKey', 'The specified key does not exist.', { status: 404 });
      return { Body: found, ContentLength: found.length };
    }
    if (operation !== 'ListObjectsV2') throw new ServiceError('UnknownOperationException', operation);
    const keys = [...this.objects.keys()].sort().filter((name) => name.startsWith(`${Bucket}/${Prefix}`));
    const from = Number(ContinuationToken ?? 0);
    const some = keys.slice(from, from + 2);
    return {
      Contents: some.map((name) => ({
        Key: name.slice(Bucket.length + 1),
        Size: this.objects.get(name)!.length,
        ETag: '"e"',
        LastModified: new Date(START).toISOString(),
        StorageClass: 'STANDARD',
      })),
      IsTruncated: from + 2 < keys.length,
      NextContinuationToken: String(from + 2),
    };
  }

  states(operation: string, input: Json): Promise<Json> {
    return this.cloud.call(ROOT, 'states', operation, input);
  }

  async create(definition: Json, options: Json = {}): Promise<string> {
    const { stateMachineArn } = await this.states('CreateStateMachine', {
      name: `m${++this.#machines}`,
      definition: JSON.stringify({ QueryLanguage: 'JSONata', ...definition }),
      roleArn: ROLE,
      ...options,
    });
    return stateMachineArn;
  }

  /** Starts an execution of a new machine, lets time pass, and tells how it ended. */
  async run(definition: Json, input: Json = {}, ms = 10 * HOUR): Promise<Result> {
    const arn = await this.start(definition, input);
    await this.pass(ms);
    return await this.result(arn);
  }

  async start(definition: Json, input: Json = {}): Promise<string> {
    const stateMachineArn = await this.create(definition);
    const { executionArn } = await this.states('StartExecution', { stateMachineArn, input: JSON.stringify(input) });
    return executionArn;
  }

  pass(ms: number): Promise<void> {
    return this.kernel.run(this.kernel.clock.now() + ms);
  }

  async result(arn: string): Promise<Result> {
    const { status, output, error, cause, startDate, stopDate } = await this.states('DescribeExecution', {
      executionArn: arn,
    });
    const history = await this.history(arn);
    return {
      status,
      output: output === undefined ? undefined : JSON.parse(output),
      error,
      cause,
      arn,
      ms: Math.round((stopDate - startDate) * 1000),
      history,
      events: history.map(({ type }) => type),
    };
  }

  async history(executionArn: string): Promise<readonly Json[]> {
    const events: Json[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.states('GetExecutionHistory', {
        executionArn,
        ...(nextToken === undefined ? {} : { nextToken }),
      });
      events.push(...page.events);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return events;
  }
}

/** One state and nothing else. */
export const only = (state: Json, more: Json = {}) => ({
  StartAt: 'S',
  States: { S: { ...state, ...(['Succeed', 'Fail', 'Choice'].includes(state.Type) ? {} : { End: true }), ...more } },
});

/** The value that a Pass state's Output gives. */
export const output = (value: Json) => only({ Type: 'Pass', Output: value });

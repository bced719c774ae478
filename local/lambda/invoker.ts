import { type Account, type Json, ServiceError } from '../cloud.ts';
import type { Kernel } from '../kernel/kernel.ts';
import {
  describeError,
  type ExecutionRequest,
  type ExecutionResult,
  exited,
  type LogLine,
  timedOut,
} from './execution.ts';
import { functionArn } from './function-name.ts';
import type { FunctionRegistry, Resolved } from './function-registry.ts';
import { type FunctionRuntime, logStreamName } from './function-runtime.ts';
import type { MetricStore } from './metrics.ts';

/** A line that a function logged. */
export interface LogEntry extends LogLine {
  readonly at: number;
  readonly functionName: string;
  readonly requestId: string;
}

/** What a handler that runs in this thread gets as its second argument. */
export interface InProcessContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  getRemainingTimeInMillis(): number;
  /**
   * Aborted when the invocation is over by its timeout. A worker is killed then; code in this thread can't be, so what it
   * calls afterwards must be refused by whoever looks at this signal.
   */
  signal(): AbortSignal;
  /** Whether that signal is aborted; who asks no more than that needs no signal, which is dear to make. */
  isOver(): boolean;
}

export type InProcessHandler = (event: Json, context: InProcessContext) => unknown;

export interface Invocation extends ExecutionResult {
  readonly requestId: string;
  readonly version: string;
  readonly functionArn: string;
  readonly logs: readonly string[];
}

export interface RunOptions {
  readonly qualifier?: unknown;
  readonly requestId?: string;
  readonly clientContext?: unknown;
  /** The event's value, from who has parsed it already: a handler in this thread gets it. */
  readonly parsed?: Json;
}

export interface Invoker {
  /** Runs a function once and waits for it. Fails only when it can't be run: not found, throttled, payload too large. */
  run(name: unknown, event: string, options?: RunOptions): Promise<Invocation>;
  registerInProcess(name: string, handler: InProcessHandler): void;
}

export interface InvokerSettings {
  readonly kernel: Kernel;
  readonly account: Account;
  readonly registry: FunctionRegistry;
  readonly runtime: FunctionRuntime;
  readonly metrics: MetricStore;
  readonly accountConcurrency: number;
  log(entry: LogEntry): void;
  /** Told after each invocation. */
  invoked(functionName: string, milliseconds: number, failed: boolean): void;
}

// "Invocation payload (request and response): 6 MB each for request and response (synchronous)" (Lambda quotas); the
// numbers are those of the service's own messages.
export const MAXIMUM_SYNC_REQUEST = 6_291_456;
const MAXIMUM_SYNC_RESPONSE = 6_291_556;

export function createInvoker(settings: InvokerSettings): Invoker {
  const { kernel, metrics } = settings;
  const handlers = new Map<string, InProcessHandler>();
  let running = 0;

  /** "Rate exceeded": reserved concurrency is a function's own limit, the rest share the account's. */
  const enter = ({ record }: Resolved) => {
    const reserved = record.reservedConcurrency;
    const full = reserved === undefined ? running >= settings.accountConcurrency : record.running >= reserved;
    if (full) {
      metrics.put({
        namespace: 'AWS/Lambda',
        name: 'Throttles',
        value: 1,
        unit: 'Count',
        at: kernel.clock.now(),
        dimensions: { FunctionName: record.name },
      });
      throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', {
        status: 429,
        fields: {
          Reason:
            reserved === undefined
              ? 'ConcurrentInvocationLimitExceeded'
              : 'ReservedFunctionConcurrentInvocationLimitExceeded',
          Type: 'User',
        },
      });
    }
    record.running += 1;
    running += 1;
  };

  return {
    registerInProcess(name, handler) {
      handlers.set(name, handler);
      if (settings.registry.find(name) === undefined) settings.registry.create({ FunctionName: name }, undefined);
    },
    async run(name, event, options = {}) {
      const resolved = settings.registry.resolve(name, options.qualifier);
      const { record, configuration, version, reference } = resolved;
      if (Buffer.byteLength(event) > MAXIMUM_SYNC_REQUEST) throw requestTooLarge(MAXIMUM_SYNC_REQUEST);
      enter(resolved);
      const startedAt = kernel.clock.now();
      const requestId = options.requestId ?? kernel.random.uuid();
      const arn = functionArn(settings.account, record.name, reference.qualifier);
      const request: ExecutionRequest = {
        requestId,
        event,
        timeoutMs: configuration.timeoutSeconds * 1000,
        context: {
          functionName: record.name,
          functionVersion: version,
          invokedFunctionArn: arn,
          memoryLimitInMB: String(configuration.memoryMb),
          awsRequestId: requestId,
          logGroupName: configuration.logGroup,
          logStreamName: logStreamName(configuration.lastModified, version),
          ...(options.clientContext !== undefined && { clientContext: options.clientContext }),
        },
      };
      const logs: string[] = [];
      const log = (line: LogLine) => {
        const at = kernel.clock.now();
        logs.push(line.text);
        for (const text of line.text.split('\n')) metrics.takeLine(text, at);
        settings.log({ ...line, at, functionName: record.name, requestId });
      };
      try {
        const handler = handlers.get(record.name);
        const raw =
          handler === undefined
            ? await settings.runtime.run(resolved, request, log)
            : await runInProcess(kernel, handler, request, options.parsed ?? JSON.parse(event), log);
        const result = limitResponse(raw);
        const common = { namespace: 'AWS/Lambda', dimensions: { FunctionName: record.name }, at: kernel.clock.now() };
        metrics.put({ ...common, name: 'Invocations', value: 1, unit: 'Count' });
        if (result.failed) metrics.put({ ...common, name: 'Errors', value: 1, unit: 'Count' });
        const milliseconds = kernel.clock.now() - startedAt;
        metrics.put({ ...common, name: 'Duration', value: milliseconds, unit: 'Milliseconds' });
        settings.invoked(record.name, milliseconds, result.failed);
        return { ...result, requestId, version, functionArn: arn, logs };
      } finally {
        record.running -= 1;
        running -= 1;
      }
    },
  };
}

/** The same semantics in this thread, for seeded virtual time: JSON both ways, timeouts by the kernel's scheduler. */
async function runInProcess(
  kernel: Kernel,
  handler: InProcessHandler,
  request: ExecutionRequest,
  event: Json,
  log: (line: LogLine) => void,
): Promise<ExecutionResult> {
  const deadline = kernel.clock.now() + request.timeoutMs;
  let over = false;
  let abort: AbortController | undefined;
  const end = (controller: AbortController) => controller.abort(new Error('the invocation timed out'));
  return new Promise<ExecutionResult>((resolve) => {
    const timer = kernel.scheduler.after(request.timeoutMs, () => {
      const result = timedOut(request.requestId, request.timeoutMs);
      over = true;
      if (abort !== undefined) end(abort);
      resolve(result);
    });
    const context: InProcessContext = {
      ...request.context,
      getRemainingTimeInMillis: () => Math.max(0, deadline - kernel.clock.now()),
      signal() {
        if (abort === undefined) {
          abort = new AbortController();
          if (over) end(abort);
        }
        return abort.signal;
      },
      isOver: () => over,
    };
    const finish = (result: ExecutionResult) => {
      timer.cancel();
      resolve(result);
    };
    const run = async () => handler(event, context);
    run().then(
      (value) => {
        try {
          finish({ failed: false, payload: JSON.stringify(value === undefined ? null : value) ?? 'null' });
        } catch {
          finish({
            failed: true,
            payload: JSON.stringify(describeError(new Error('Unable to stringify response body'))),
          });
        }
      },
      (error) => {
        const crashed = error instanceof CrashedRuntime;
        if (!crashed)
          log({ level: 'ERROR', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
        finish(
          crashed ? exited(request.requestId, 1) : { failed: true, payload: JSON.stringify(describeError(error)) },
        );
      },
    );
  });
}

/** Thrown by an in-process handler, it stands for the end of the process: `Runtime.ExitError`. */
export class CrashedRuntime extends Error {}

function limitResponse(result: ExecutionResult): ExecutionResult {
  if (Buffer.byteLength(result.payload) <= MAXIMUM_SYNC_RESPONSE) return result;
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAXIMUM_SYNC_RESPONSE} bytes).`;
  return {
    failed: true,
    payload: JSON.stringify({ errorType: 'Function.ResponseSizeTooLarge', errorMessage }),
  };
}

export function requestTooLarge(maximum: number): ServiceError {
  return new ServiceError(
    'RequestTooLargeException',
    `Request must be smaller than ${maximum} bytes for the InvokeFunction operation`,
    { status: 413, fields: { Type: 'User' } },
  );
}

/** The event's value; throws for what is no JSON. */
export function parseEvent(event: string): Json {
  try {
    return JSON.parse(event);
  } catch (error) {
    throw new ServiceError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`,
      { fields: { Type: 'User' } },
    );
  }
}

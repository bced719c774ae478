import type { Caller, Cloud, Json, Service } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import { ASYNC_RETRY_DELAYS_MS, createAsyncQueue } from './async-queue.ts';
import { createCodeStage } from './code.ts';
import { credentialsFor, type RoleCredentials } from './credentials.ts';
import { functionOperations } from './function-operations.ts';
import { createFunctionRegistry } from './function-registry.ts';
import { createFunctionRuntime } from './function-runtime.ts';
import { invokeOperations } from './invoke-operations.ts';
import { createInvoker, type InProcessHandler, type LogEntry } from './invoker.ts';
import { createLayerRegistry } from './layers.ts';
import { mappingOperations } from './mapping-operations.ts';
import { createMetricStore, type MetricStore } from './metrics.ts';
import { policyOf } from './policy.ts';
import type { Backoff } from './polling/attempt-batch.ts';
import { type Checkpoints, memoryCheckpoints } from './polling/checkpoints.ts';
import type { SourceHooks } from './polling/stream-source.ts';
import { unknownOperation } from './unsupported.ts';

export interface LambdaOptions {
  /** Where logged lines go beside the trace. Default: nowhere else. */
  readonly log?: (entry: LogEntry) => void;
  /** Worker threads per function at most; further invocations wait. Default 10. */
  readonly maxEnvironments?: number;
  /** An environment unused for so long ends. Default 30,000 ms. */
  readonly idleMs?: number;
  /** Concurrent invocations of all functions without reserved concurrency; beyond it, they are throttled. Default 1,000. */
  readonly accountConcurrency?: number;
  /** Pauses before the retries of asynchronous invocations. Default one minute, then two, as Lambda waits. */
  readonly asyncRetryDelaysMs?: readonly number[];
  /** The credentials that a function's environment gets for its role. */
  readonly credentialsFor?: (roleArn: string) => RoleCredentials;
  /** From where the project's node_modules are looked up. Default the working directory. */
  readonly appDirectory?: string;
  /** How the cores of Kinesis and DynamoDB tell mappings that there is something to read. */
  readonly sources?: SourceHooks;
  /** Between two reads of a shard. Default 0: as soon as something was written. AWS polls about once a second. */
  readonly pollIntervalMs?: number;
  /** Between two reads of an idle shard. Default 5,000 ms, or 250 ms where `sources` doesn't tell. */
  readonly fallbackPollMs?: number;
  /** From a put to the function of a consumer with enhanced fan-out, whatever `pollIntervalMs`. Default 0. */
  readonly pushDelayMs?: number;
  /** Pauses between the attempts of a mapping. Default from 200 ms, doubled up to 30 s. */
  readonly retryBackoff?: Backoff;
  /** Where mappings keep how far they are. Default in memory. */
  readonly checkpoints?: Checkpoints;
  /** Where accepted asynchronous events are kept. Default: in memory only. */
  readonly journal?: Journal;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 200, maximumMs: 30_000 };

export interface Lambda extends Service {
  /** From now on `name` runs this function in the host's own thread: for tests and seeded virtual time. */
  registerInProcess(name: string, handler: InProcessHandler): void;
  /** What functions get as AWS_ENDPOINT_URL, once the port is known. */
  setEndpoint(url: string): void;
  /** Metrics that functions logged in the embedded metric format, and Lambda's own under `AWS/Lambda`. */
  metrics(): MetricStore;
  /** A function's resource policy, for the evaluator of policies; undefined when it has none. */
  resourcePolicy(functionName: string): Json | undefined;
  /** How many worker threads a function has now. */
  environments(functionName: string): number;
  /** How many invocations run or are about to; events that wait for a retry don't count. */
  inFlight(): number;
  /** Ends every worker, mapping and pending event. */
  stop(): Promise<void>;
}

/**
 * Lambda, embedded and registered with the cloud: real bundles in worker threads, or functions of this process by `registerInProcess`.
 *
 * @example
 * const lambda = createLambda(cloud);
 * lambda.registerInProcess('double', (event) => event.n * 2);
 * await cloud.call(ROOT, 'lambda', 'Invoke', { FunctionName: 'double', Payload: '{"n":21}' }); // Payload: 42
 */
export function createLambda(cloud: Cloud, options: LambdaOptions = {}): Lambda {
  const { kernel, account } = cloud;
  const registry = createFunctionRegistry(kernel, account);
  const layers = createLayerRegistry(account);
  const metrics = createMetricStore();
  let endpoint: string | undefined;
  const runtime = createFunctionRuntime({
    kernel,
    account,
    layers,
    stage: createCodeStage(options.appDirectory ?? process.cwd()),
    maximum: options.maxEnvironments ?? 10,
    idleMs: options.idleMs ?? 30_000,
    credentialsFor: options.credentialsFor ?? credentialsFor,
    endpoint: () => endpoint,
  });
  const invoker = createInvoker({
    kernel,
    account,
    registry,
    runtime,
    metrics,
    accountConcurrency: options.accountConcurrency ?? 1000,
    log(entry) {
      cloud.trace.note('lambda', 'log', {
        function: entry.functionName,
        requestId: entry.requestId,
        level: entry.level,
        line: entry.text,
      });
      options.log?.(entry);
    },
    invoked(name, milliseconds, failed) {
      cloud.trace.note('lambda', 'invoked', { function: name, milliseconds, failed });
    },
  });
  const retryDelaysMs = options.asyncRetryDelaysMs ?? ASYNC_RETRY_DELAYS_MS;
  const queue = createAsyncQueue(cloud, registry, invoker, retryDelaysMs, options.journal);
  const mappings = mappingOperations({
    cloud,
    registry,
    metrics,
    hooks: options.sources ?? {},
    pace: {
      ...(options.pollIntervalMs !== undefined && { pollIntervalMs: options.pollIntervalMs }),
      ...(options.fallbackPollMs !== undefined && { fallbackPollMs: options.fallbackPollMs }),
      ...(options.pushDelayMs !== undefined && { pushDelayMs: options.pushDelayMs }),
    },
    backoff: options.retryBackoff ?? DEFAULT_BACKOFF,
    checkpoints: options.checkpoints ?? memoryCheckpoints(),
  });
  const operations = {
    ...mappings.operations,
    ...functionOperations(cloud, registry, runtime, layers),
    ...invokeOperations(cloud, registry, invoker, queue),
  };

  const lambda: Lambda = {
    name: 'lambda',
    handle(operation: string, input: Json, caller: Caller) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (run === undefined) throw unknownOperation('lambda', operation);
      return run(input ?? {}, caller);
    },
    registerInProcess: invoker.registerInProcess,
    setEndpoint(url) {
      endpoint = url;
    },
    metrics: () => metrics,
    resourcePolicy(functionName) {
      return policyOf(registry.resolve(functionName).record);
    },
    environments: runtime.environments,
    inFlight: () => registry.all().reduce((sum, record) => sum + record.running, queue.due()),
    async stop() {
      mappings.stop();
      queue.stop();
      await runtime.stop();
    },
  };
  cloud.register(lambda);
  return lambda;
}

import { type Cloud, type Json, ROOT, ServiceError } from '../cloud.ts';
import { checkDestination, sendToQueue, serviceOf } from './destination.ts';
import { functionArn } from './function-name.ts';
import type { FunctionRegistry } from './function-registry.ts';
import type { MetricStore } from './metrics.ts';
import { ALL_WELL, allFailed, type Backoff, type Outcome } from './polling/attempt-batch.ts';
import type { Checkpoints } from './polling/checkpoints.ts';
import { consumeQueue } from './polling/consume-queue.ts';
import { consumeStream } from './polling/consume-stream.ts';
import { compileFilter } from './polling/filter.ts';
import { kinesisSource } from './polling/kinesis-source.ts';
import { reportedFailures } from './polling/partial-answer.ts';
import { type Pace, paceOf } from './polling/read-shard.ts';
import { batchInfo, positionOf, type SourceHooks, type SourceRecord } from './polling/stream-source.ts';
import { tableStreamSource } from './polling/table-stream-source.ts';

/** A mapping's settings, every default filled in. */
export interface MappingSettings {
  readonly uuid: string;
  readonly functionName: string;
  readonly qualifier: string | undefined;
  readonly sourceArn: string;
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly startingPosition: string | undefined;
  readonly startingTimestamp: number | undefined;
  readonly parallelization: number;
  readonly maximumRetries: number;
  readonly maximumAgeSeconds: number;
  readonly bisect: boolean;
  readonly partialAnswers: boolean;
  readonly onFailure: string | undefined;
  readonly filterCriteria: Json;
  readonly maximumConcurrency: number | undefined;
  readonly lastModified: number;
}

interface Invocation {
  readonly requestId: string;
  readonly version: string;
  readonly failed: boolean;
  readonly payload: string;
}

export interface MappingServices {
  readonly cloud: Cloud;
  readonly registry: FunctionRegistry;
  readonly metrics: MetricStore;
  readonly hooks: SourceHooks;
  readonly pace: Partial<Pace>;
  readonly backoff: Backoff;
  readonly checkpoints: Checkpoints;
}

// "Lambda initially reads up to five batches concurrently" (standard queues, scaling).
const QUEUE_CONCURRENCY = 5;

/** Starts a mapping's pollers; `report` hears LastProcessingResult. Gives the way to stop them. */
export function runMapping(
  services: MappingServices,
  settings: MappingSettings,
  report: (result: string) => void,
): () => void {
  const { cloud, registry } = services;
  const target = functionArn(cloud.account, settings.functionName, settings.qualifier);
  const role = registry.resolve(settings.functionName).configuration.role;
  const caller = role === undefined ? { principal: 'root' } : { principal: role };
  const accepts = compileFilter(settings.sourceArn, settings.filterCriteria);
  const failed = (error: unknown) => {
    report(`PROBLEM: ${error instanceof Error ? error.message : String(error)}`);
    cloud.trace.note('lambda', 'mapping problem', { function: settings.functionName, error: String(error) });
  };

  /** Calls the function with a batch and reads its answer. */
  const call = async (
    events: readonly Json[],
    identifiers: readonly string[],
  ): Promise<Outcome & { invocation?: Invocation }> => {
    let invocation: Invocation;
    try {
      // Through the cloud's door like everyone; the right to invoke comes with the right to make the mapping.
      const answer = await cloud.call(ROOT, 'lambda', 'Invoke', {
        FunctionName: target,
        Payload: JSON.stringify({ Records: events }),
      });
      invocation = {
        requestId: answer.RequestId,
        version: answer.ExecutedVersion,
        failed: answer.FunctionError !== undefined,
        payload: answer.Payload.toString('utf8'),
      };
    } catch (error) {
      failed(error);
      // Throttling and a function that is not there are no answers of the function.
      const tooLarge = error instanceof ServiceError && error.code === 'RequestTooLargeException';
      return allFailed(events, tooLarge);
    }
    if (invocation.failed) {
      report('PROBLEM: Function call failed');
      return { ...allFailed(events, true), invocation };
    }
    report('OK');
    if (!settings.partialAnswers) return { ...ALL_WELL, invocation };
    const failures = reportedFailures(invocation.payload, identifiers);
    if (failures === undefined) return { ...allFailed(events, true), invocation };
    return { failed: failures, counts: true, splits: true, invocation };
  };

  if (serviceOf(settings.sourceArn) === 'sqs') {
    return consumeQueue(cloud, {
      queueArn: settings.sourceArn,
      caller,
      batchSize: settings.batchSize,
      windowMs: settings.windowSeconds * 1000,
      concurrency: settings.maximumConcurrency ?? QUEUE_CONCURRENCY,
      backoff: services.backoff,
      hook: services.hooks.sqs,
      accepts,
      failed,
      deliver: async (events) =>
        (
          await call(
            events,
            events.map((event) => event.messageId),
          )
        ).failed,
    });
  }

  const source =
    serviceOf(settings.sourceArn) === 'kinesis'
      ? kinesisSource(cloud, caller, settings.sourceArn, 'lambda', services.hooks.kinesis)
      : tableStreamSource(cloud, caller, settings.sourceArn, services.hooks.dynamodb);
  let lastInvocation: Invocation | undefined;
  return consumeStream(cloud.kernel, {
    name: settings.uuid,
    checkpoints: services.checkpoints,
    start: positionOf(settings.startingPosition, settings.startingTimestamp),
    source,
    settings: {
      ...paceOf(services.pace, source),
      batchSize: settings.batchSize,
      windowMs: settings.windowSeconds * 1000,
      lanes: settings.parallelization,
      maximumRetries: settings.maximumRetries,
      maximumAgeMs: settings.maximumAgeSeconds < 0 ? Number.POSITIVE_INFINITY : settings.maximumAgeSeconds * 1000,
      bisect: settings.bisect,
      backoff: services.backoff,
    },
    accepts: (record) => accepts(record.event),
    failed,
    async deliver(records) {
      const outcome = await call(
        records.map((record) => record.event),
        records.map((record) => record.sequenceNumber),
      );
      lastInvocation = outcome.invocation;
      noteAge(services, settings, records);
      const first = outcome.failed[0];
      if (first === undefined) return outcome;
      // "Lambda … uses the lowest sequence number as the checkpoint, and retries all records starting from it."
      return { ...outcome, failed: records.map((_, index) => index).slice(first) };
    },
    async discard(records, shardId, reason, attempts) {
      cloud.trace.note('lambda', 'records discarded', {
        function: settings.functionName,
        reason,
        records: records.length,
      });
      if (settings.onFailure === undefined) return;
      const body = {
        requestContext: {
          requestId: lastInvocation?.requestId ?? cloud.kernel.random.uuid(),
          functionArn: target,
          condition: reason,
          approximateInvokeCount: attempts,
        },
        ...(attempts > 0 &&
          lastInvocation !== undefined && {
            responseContext: {
              statusCode: 200,
              executedVersion: lastInvocation.version,
              functionError: lastInvocation.failed ? 'Unhandled' : null,
            },
          }),
        version: '1.0',
        timestamp: new Date(cloud.kernel.clock.now()).toISOString(),
        ...batchInfo(settings.sourceArn, shardId, records),
      };
      try {
        await sendToQueue(cloud, role, settings.onFailure, JSON.stringify(body));
      } catch (error) {
        failed(error); // "DestinationDeliveryFailures": the records are given up all the same
      }
    },
  });
}

function noteAge(services: MappingServices, settings: MappingSettings, records: readonly SourceRecord[]) {
  const at = services.cloud.kernel.clock.now();
  // "IteratorAge – the time between when the stream receives the last record in the batch and when … sends the event".
  services.metrics.put({
    namespace: 'AWS/Lambda',
    name: 'IteratorAge',
    value: Math.max(0, at - records[records.length - 1]!.arrivedAt),
    unit: 'Milliseconds',
    at,
    dimensions: { FunctionName: settings.functionName },
  });
}

/** The mapping's failure destination: only a queue, here. */
export function checkFailureDestination(config: Json): string | undefined {
  return checkDestination(config?.OnFailure?.Destination, 'DestinationConfig.OnFailure', ['sqs']);
}

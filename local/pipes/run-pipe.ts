import { type Caller, type Cloud, type Json, ServiceError } from '../cloud.ts';
import { sendToQueue } from '../lambda/destination.ts';
import { ALL_WELL, allFailed, type Backoff, type Outcome } from '../lambda/polling/attempt-batch.ts';
import type { Checkpoints } from '../lambda/polling/checkpoints.ts';
import { consumeQueue } from '../lambda/polling/consume-queue.ts';
import { consumeStream } from '../lambda/polling/consume-stream.ts';
import { compileFilter } from '../lambda/polling/filter.ts';
import { kinesisSource } from '../lambda/polling/kinesis-source.ts';
import { type Pace, paceOf } from '../lambda/polling/read-shard.ts';
import { batchInfo, positionOf, type SourceHooks } from '../lambda/polling/stream-source.ts';
import { tableStreamSource } from '../lambda/polling/table-stream-source.ts';
import { compileTemplate, type TemplateVariables } from './input-template.ts';
import { readSource } from './pipe-definition.ts';
import { createTarget, identityOf } from './target.ts';

export interface PipeServices {
  readonly cloud: Cloud;
  readonly hooks: SourceHooks;
  readonly pace: Partial<Pace>;
  readonly backoff: Backoff;
  readonly checkpoints: Checkpoints;
  readonly mapFailures: MapFailures;
}

/** Which inputs have to go through the pipe again when the target did not take the outputs at `failed`. */
export type MapFailures = (batch: {
  readonly inputs: readonly Json[];
  readonly outputs: readonly Json[];
  readonly failed: readonly number[];
  readonly enriched: boolean;
}) => readonly number[];

/**
 * "If the target supports batching and only part of the batch succeeds, EventBridge automatically retries batching the
 * remaining payload … through the entire pipe, including re-invoking any configured enrichment." What remains is known
 * without an enrichment, or when its elements carry `eventID` or `messageId` ("these fields need to be included in any
 * array payload returned by the enrichment"). How it is found otherwise is not documented: here the whole batch goes again.
 */
export const retryRemainder: MapFailures = ({ inputs, outputs, failed, enriched }) => {
  if (!enriched) return failed;
  const positions = new Map(inputs.map((input, index) => [identityOf(input), index]));
  const found = failed.map((index) => positions.get(identityOf(outputs[index]) ?? '-'));
  if (found.some((index) => index === undefined)) return inputs.map((_, index) => index);
  return [...new Set(found as number[])].sort((a, b) => a - b);
};

/** Starts a pipe; gives the way to stop it. */
export function runPipe(services: PipeServices, arn: string, definition: Json): () => void {
  const { cloud } = services;
  const { kernel } = cloud;
  const caller: Caller = definition.RoleArn === undefined ? { principal: 'root' } : { principal: definition.RoleArn };
  const source = readSource(definition);
  const accepts = compileFilter(definition.Source, definition.SourceParameters?.FilterCriteria);
  const variables: TemplateVariables = {
    'aws.pipes.pipe-arn': arn,
    'aws.pipes.pipe-name': definition.Name,
    'aws.pipes.source-arn': definition.Source,
    'aws.pipes.enrichment-arn': definition.Enrichment ?? '',
    'aws.pipes.target-arn': definition.Target,
  };
  const templateOf = (template: string | undefined) =>
    template === undefined ? (event: Json) => event : compileTemplate(template, variables);
  const toEnrichment = templateOf(definition.EnrichmentParameters?.InputTemplate);
  const toTarget = templateOf(definition.TargetParameters?.InputTemplate);
  const target = createTarget(cloud, caller, definition, definition.Target, definition.TargetParameters);
  const failed = (error: unknown) =>
    cloud.trace.note('pipes', 'problem', {
      pipe: definition.Name,
      error: error instanceof Error ? error.message : String(error),
    });

  /** The enrichment's elements; undefined when its answer means that the target is not invoked. */
  const enrich = async (events: readonly Json[], at: number): Promise<Json[] | undefined> => {
    const answer = await cloud.call(caller, 'lambda', 'Invoke', {
      FunctionName: definition.Enrichment,
      InvocationType: 'RequestResponse',
      Payload: JSON.stringify(events.map((event) => toEnrichment(event, at))),
    });
    if (answer.FunctionError !== undefined) throw new EnrichmentFailure(answer.Payload.toString('utf8'));
    const value = JSON.parse(answer.Payload.toString('utf8'));
    // "If you return an empty response such as "", {}, or [], … the target isn't invoked"; `[{}]` sends an empty payload.
    if (value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0))
      return undefined;
    return Array.isArray(value) ? value : [value];
  };

  const pass = async (events: readonly Json[]): Promise<Outcome> => {
    const at = kernel.clock.now();
    try {
      const enriched = definition.Enrichment !== undefined;
      const outputs = enriched ? await enrich(events, at) : events;
      if (outputs === undefined) return ALL_WELL;
      // "If the array is larger than the batch size supported by the target, the pipe won't invoke the target."
      if (outputs.length > target.maximumBatch) {
        throw new EnrichmentFailure(
          `the enrichment gave ${outputs.length} elements, the target takes ${target.maximumBatch}: it is not invoked`,
        );
      }
      const answer = await target.send(outputs.map((event) => ({ event, payload: toTarget(event, at) })));
      cloud.trace.note('pipes', 'batch passed', {
        pipe: definition.Name,
        records: events.length,
        outputs: outputs.length,
        failed: answer.failed.length,
      });
      if (answer.failed.length === 0) return ALL_WELL;
      const again = services.mapFailures({ inputs: events, outputs, failed: answer.failed, enriched });
      return { failed: again, counts: answer.byUser, splits: true };
    } catch (error) {
      failed(error);
      return allFailed(events, !isInternal(error));
    }
  };

  if (source.kind === 'sqs') {
    return consumeQueue(cloud, {
      queueArn: definition.Source,
      caller,
      batchSize: source.batchSize,
      windowMs: source.windowMs,
      concurrency: 1,
      backoff: services.backoff,
      hook: services.hooks.sqs,
      accepts,
      failed,
      deliver: async (events) => (await pass(events)).failed,
    });
  }
  const records =
    source.kind === 'kinesis'
      ? kinesisSource(cloud, caller, definition.Source, 'pipe', services.hooks.kinesis)
      : tableStreamSource(cloud, caller, definition.Source, services.hooks.dynamodb);
  return consumeStream(kernel, {
    name: arn,
    checkpoints: services.checkpoints,
    start: positionOf(source.startingPosition, source.startingTimestamp),
    source: records,
    settings: { ...paceOf(services.pace, records), ...source, backoff: services.backoff },
    accepts: (record) => accepts(record.event),
    failed,
    deliver: (batch) => pass(batch.map((record) => record.event)),
    async discard(batch, shardId, reason) {
      cloud.trace.note('pipes', 'records discarded', { pipe: definition.Name, reason, records: batch.length });
      if (source.deadLetters === undefined) return;
      // Positions, not payloads: "the DLQ … receives metadata of the failed batch".
      const body = {
        context: { partnerResourceArn: arn, condition: reason },
        version: '1.0',
        timestamp: new Date(kernel.clock.now()).toISOString(),
        ...batchInfo(definition.Source, shardId, batch),
      };
      try {
        await sendToQueue(cloud, definition.RoleArn, source.deadLetters, JSON.stringify(body));
      } catch (error) {
        failed(error);
      }
    },
  });
}

/** The enrichment's own failure: "customer invocation errors" count as retries. */
class EnrichmentFailure extends Error {}

const INTERNAL =
  /Throttl|TooManyRequests|ProvisionedThroughputExceeded|ServiceUnavailable|LimitExceeded|InternalFailure/;

/**
 * "EventBridge Pipes does not count retries for internal errors against the maximum number of retries": throttling and
 * failures of the services. "Insufficient permissions" and the like are the customer's.
 */
function isInternal(error: unknown): boolean {
  return error instanceof ServiceError && (error.status >= 500 || error.status === 429 || INTERNAL.test(error.code));
}

import { type Json, ServiceError } from '../cloud.ts';
import { serviceOf } from '../lambda/destination.ts';
import { compileFilter } from '../lambda/polling/filter.ts';
import { refuseUnknown, requireInteger } from '../lambda/unsupported.ts';

/** A pipe's source settings, every default filled in. */
export interface PipeSource {
  readonly kind: 'dynamodb' | 'kinesis' | 'sqs';
  readonly batchSize: number;
  readonly windowMs: number;
  readonly startingPosition: string | undefined;
  readonly startingTimestamp: number | undefined;
  readonly lanes: number;
  readonly bisect: boolean;
  readonly maximumRetries: number;
  readonly maximumAgeMs: number;
  readonly deadLetters: string | undefined;
}

const SOURCE_PARAMETERS = {
  dynamodb: 'DynamoDBStreamParameters',
  kinesis: 'KinesisStreamParameters',
  sqs: 'SqsQueueParameters',
} as const;

const STREAM_PARAMETERS = [
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'StartingPosition',
  'ParallelizationFactor',
  'OnPartialBatchItemFailure',
  'MaximumRetryAttempts',
  'MaximumRecordAgeInSeconds',
  'DeadLetterConfig',
];

/** The members of CreatePipe that make a pipe what it is. */
export const DEFINITION = [
  'Name',
  'Description',
  'RoleArn',
  'Source',
  'SourceParameters',
  'Enrichment',
  'EnrichmentParameters',
  'Target',
  'TargetParameters',
  'DesiredState',
  'Tags',
];

/** Reads and checks SourceParameters; what it does not know is refused by name. */
export function readSource(definition: Json): PipeSource {
  const kind = serviceOf(String(definition.Source));
  if (kind !== 'dynamodb' && kind !== 'kinesis' && kind !== 'sqs') {
    throw new ServiceError('ValidationException', `Sources of the kind ${kind} are not supported here`);
  }
  const member = SOURCE_PARAMETERS[kind];
  refuseUnknown('SourceParameters', definition.SourceParameters, [member, 'FilterCriteria']);
  compileFilter(definition.Source, definition.SourceParameters?.FilterCriteria);
  const given = definition.SourceParameters?.[member] ?? {};
  const windowMs =
    requireInteger('maximumBatchingWindowInSeconds', given.MaximumBatchingWindowInSeconds ?? 0, 0, 300) * 1000;
  if (kind === 'sqs') {
    refuseUnknown(`SourceParameters.${member}`, given, ['BatchSize', 'MaximumBatchingWindowInSeconds']);
    return {
      kind,
      batchSize: requireInteger('batchSize', given.BatchSize ?? 10, 1, 10_000),
      windowMs,
      startingPosition: undefined,
      startingTimestamp: undefined,
      lanes: 1,
      bisect: false,
      maximumRetries: -1,
      maximumAgeMs: Number.POSITIVE_INFINITY,
      deadLetters: undefined,
    };
  }
  refuseUnknown(
    `SourceParameters.${member}`,
    given,
    kind === 'kinesis' ? [...STREAM_PARAMETERS, 'StartingPositionTimestamp'] : STREAM_PARAMETERS,
  );
  const positions = kind === 'kinesis' ? ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'] : ['TRIM_HORIZON', 'LATEST'];
  if (!positions.includes(given.StartingPosition)) {
    throw new ServiceError(
      'ValidationException',
      `${member}.StartingPosition must be one of ${positions.join(', ')}, not ${String(given.StartingPosition)}`,
    );
  }
  if (given.StartingPosition === 'AT_TIMESTAMP' && typeof given.StartingPositionTimestamp !== 'number') {
    throw new ServiceError('ValidationException', 'AT_TIMESTAMP needs a StartingPositionTimestamp');
  }
  if (![undefined, 'AUTOMATIC_BISECT'].includes(given.OnPartialBatchItemFailure)) {
    throw new ServiceError('ValidationException', 'OnPartialBatchItemFailure must be AUTOMATIC_BISECT');
  }
  const deadLetters = given.DeadLetterConfig?.Arn;
  if (deadLetters !== undefined && serviceOf(deadLetters) !== 'sqs') {
    throw new ServiceError('ValidationException', `DeadLetterConfig.Arn must be a queue here, not ${deadLetters}`);
  }
  // "The default value is -1, which sets the maximum age to infinite", and so for the number of retries.
  const age = requireInteger('maximumRecordAgeInSeconds', given.MaximumRecordAgeInSeconds ?? -1, -1, 604_800);
  return {
    kind,
    batchSize: requireInteger('batchSize', given.BatchSize ?? 1, 1, 10_000),
    windowMs,
    startingPosition: given.StartingPosition,
    startingTimestamp: given.StartingPositionTimestamp,
    lanes: requireInteger('parallelizationFactor', given.ParallelizationFactor ?? 1, 1, 10),
    bisect: given.OnPartialBatchItemFailure === 'AUTOMATIC_BISECT',
    maximumRetries: requireInteger('maximumRetryAttempts', given.MaximumRetryAttempts ?? -1, -1, 10_000),
    maximumAgeMs: age === -1 ? Number.POSITIVE_INFINITY : age * 1000,
    deadLetters,
  };
}

/** An enrichment is a function here; API destinations, API Gateway and state machines are refused. */
export function checkEnrichment(definition: Json): void {
  if (definition.Enrichment === undefined) {
    if (definition.EnrichmentParameters !== undefined) {
      throw new ServiceError('ValidationException', 'EnrichmentParameters without an Enrichment');
    }
    return;
  }
  if (serviceOf(definition.Enrichment) !== 'lambda') {
    throw new ServiceError(
      'ValidationException',
      `The enrichment ${definition.Enrichment} is not supported here, only functions`,
    );
  }
  refuseUnknown('EnrichmentParameters', definition.EnrichmentParameters, ['InputTemplate']);
}

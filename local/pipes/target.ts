import { type Caller, type Cloud, type Json, ServiceError } from '../cloud.ts';
import { queueUrlOf, serviceOf } from '../lambda/destination.ts';
import { reportedFailures } from '../lambda/polling/partial-answer.ts';
import { refuseUnknown } from '../lambda/unsupported.ts';
import { dynamicText } from './json-path.ts';

/** One element on its way to the target. */
export interface Delivery {
  /** The element before the target's template: dynamic path parameters are read from it. */
  readonly event: Json;
  /** What the target gets. */
  readonly payload: Json;
}

/** What the target made of them: the indexes of those that it did not take. */
export interface TargetAnswer {
  readonly failed: readonly number[];
  /** The target's code named them: such failures count as retries. */
  readonly byUser: boolean;
}

export interface Target {
  /** "Supported batchable targets"; Infinity where only the payload's size is limited. */
  readonly maximumBatch: number;
  send(deliveries: readonly Delivery[]): Promise<TargetAnswer>;
}

const TAKEN: TargetAnswer = { failed: [], byUser: false };

/** An element as text: JSON, and text (of a text template) as it is. */
export function textOf(payload: Json): string {
  return typeof payload === 'string' ? payload : JSON.stringify(payload);
}

/** The target of a pipe, called with the pipe's role; parameters that it does not know are refused. */
export function createTarget(
  cloud: Cloud,
  caller: Caller,
  pipe: { Name: string; Source: string },
  arn: string,
  parameters: Json,
): Target {
  const call = (service: Parameters<Cloud['call']>[1], operation: string, input: Json) =>
    cloud.call(caller, service, operation, input);
  const of = (name: string, known: readonly string[]): Json => {
    refuseUnknown('TargetParameters', parameters, ['InputTemplate', name]);
    refuseUnknown(`TargetParameters.${name}`, parameters?.[name], known);
    return parameters?.[name] ?? {};
  };
  const whole = (deliveries: readonly Delivery[]) => JSON.stringify(deliveries.map(({ payload }) => payload));

  switch (serviceOf(arn)) {
    case 'kinesis': {
      const { PartitionKey } = of('KinesisStreamParameters', ['PartitionKey']);
      if (typeof PartitionKey !== 'string') {
        throw new ServiceError('ValidationException', 'KinesisStreamParameters.PartitionKey is required');
      }
      const partitionKey = dynamicText(PartitionKey);
      return {
        maximumBatch: 500,
        async send(deliveries) {
          const answer = await call('kinesis', 'PutRecords', {
            StreamARN: arn,
            Records: deliveries.map(({ event, payload }) => ({
              Data: Buffer.from(textOf(payload)).toString('base64'),
              PartitionKey: partitionKey(event),
            })),
          });
          return { failed: indexesOf(answer.Records, (record) => record.ErrorCode !== undefined), byUser: false };
        },
      };
    }
    case 'firehose': {
      refuseUnknown('TargetParameters', parameters, ['InputTemplate']);
      return {
        maximumBatch: 500,
        async send(deliveries) {
          const answer = await call('firehose', 'PutRecordBatch', {
            DeliveryStreamName: arn.split('/').pop(),
            Records: deliveries.map(({ payload }) => ({ Data: Buffer.from(textOf(payload)).toString('base64') })),
          });
          return {
            failed: indexesOf(answer.RequestResponses, (entry) => entry.ErrorCode !== undefined),
            byUser: false,
          };
        },
      };
    }
    case 'sqs': {
      const { MessageGroupId, MessageDeduplicationId } = of('SqsQueueParameters', [
        'MessageGroupId',
        'MessageDeduplicationId',
      ]);
      const group = MessageGroupId === undefined ? undefined : dynamicText(MessageGroupId);
      const deduplication = MessageDeduplicationId === undefined ? undefined : dynamicText(MessageDeduplicationId);
      return {
        maximumBatch: 10,
        async send(deliveries) {
          const answer = await call('sqs', 'SendMessageBatch', {
            QueueUrl: await queueUrlOf(cloud, arn),
            Entries: deliveries.map(({ event, payload }, index) => ({
              Id: String(index),
              MessageBody: textOf(payload),
              ...(group !== undefined && { MessageGroupId: group(event) }),
              ...(deduplication !== undefined && { MessageDeduplicationId: deduplication(event) }),
            })),
          });
          return { failed: (answer.Failed ?? []).map((failure: Json) => Number(failure.Id)), byUser: false };
        },
      };
    }
    case 'events': {
      const { DetailType, Source, Resources, Time } = of('EventBridgeEventBusParameters', [
        'DetailType',
        'Source',
        'Resources',
        'Time',
      ]);
      const time = Time === undefined ? undefined : dynamicText(Time);
      // "DetailType: Event from aws:sqs", "Source: Pipe <name>" are what the console shows by default.
      const detailType = dynamicText(DetailType ?? `Event from aws:${serviceOf(pipe.Source)}`);
      const source = dynamicText(Source ?? `Pipe ${pipe.Name}`);
      return {
        maximumBatch: 10,
        async send(deliveries) {
          const answer = await call('events', 'PutEvents', {
            Entries: deliveries.map(({ event, payload }) => ({
              EventBusName: arn,
              DetailType: detailType(event),
              Source: source(event),
              Detail: JSON.stringify(payload),
              ...(Resources !== undefined && { Resources: Resources.map((one: string) => dynamicText(one)(event)) }),
              ...(time !== undefined && { Time: new Date(time(event)).getTime() / 1000 }),
            })),
          });
          return { failed: indexesOf(answer.Entries, (entry) => entry.ErrorCode !== undefined), byUser: false };
        },
      };
    }
    case 'lambda': {
      const { InvocationType = 'REQUEST_RESPONSE' } = of('LambdaFunctionParameters', ['InvocationType']);
      return {
        maximumBatch: Number.POSITIVE_INFINITY,
        async send(deliveries) {
          const answer = await call('lambda', 'Invoke', {
            FunctionName: arn,
            InvocationType: InvocationType === 'FIRE_AND_FORGET' ? 'Event' : 'RequestResponse',
            Payload: whole(deliveries),
          });
          if (InvocationType === 'FIRE_AND_FORGET') return TAKEN;
          const everything = { failed: deliveries.map((_, index) => index), byUser: true };
          if (answer.FunctionError !== undefined) return everything;
          return partial(answer.Payload.toString('utf8'), deliveries);
        },
      };
    }
    case 'states': {
      const { InvocationType = 'REQUEST_RESPONSE' } = of('StepFunctionStateMachineParameters', ['InvocationType']);
      if (InvocationType !== 'FIRE_AND_FORGET') {
        throw new ServiceError(
          'ValidationException',
          'StepFunctionStateMachineParameters.InvocationType REQUEST_RESPONSE (express workflows) is not supported here, only FIRE_AND_FORGET',
        );
      }
      return {
        maximumBatch: Number.POSITIVE_INFINITY,
        async send(deliveries) {
          await call('states', 'StartExecution', { stateMachineArn: arn, input: whole(deliveries) });
          return TAKEN;
        },
      };
    }
    default:
      throw new ServiceError(
        'ValidationException',
        `Targets of the kind ${serviceOf(arn)} are not supported here: ${arn}`,
      );
  }
}

/**
 * "For Lambda and Step Functions targets, you can also specify a partial failure by returning a payload with a defined
 * structure": `batchItemFailures`, by the elements' `messageId` or `eventID`.
 */
function partial(payload: string, deliveries: readonly Delivery[]): TargetAnswer {
  if (!payload.includes('"batchItemFailures"')) return TAKEN;
  const failed = reportedFailures(
    payload,
    deliveries.map(({ event }) => String(identityOf(event))),
  );
  return { failed: failed ?? deliveries.map((_, index) => index), byUser: true };
}

/** What identifies a record of the source: "for Amazon SQS, the messageId; for Kinesis and DynamoDB, the eventID". */
export function identityOf(event: Json): string | undefined {
  return event?.messageId ?? event?.eventID;
}

function indexesOf(entries: Json[], failed: (entry: Json) => boolean): number[] {
  return entries.flatMap((entry, index) => (failed(entry) ? [index] : []));
}

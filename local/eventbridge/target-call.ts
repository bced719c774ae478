import type { Caller, Cloud, Json, ServiceName } from '../cloud.ts';
import { type DeliveringRule, invalid, type Target } from './bus.ts';
import type { BusEvent } from './event.ts';
import { findByPath, parseJsonPath } from './json-path.ts';

/** On an event that a bus passes to another bus: it keeps its id, which PutEvents would not let it. */
export const FORWARDED: unique symbol = Symbol('forwarded event');

interface Kind {
  readonly arn: RegExp;
  /** "To make API calls against the target, EventBridge needs permissions": by role here, by resource policy otherwise. */
  readonly needsRole: boolean;
  call(found: RegExpExecArray, target: Target, event: BusEvent, payload: string): readonly [ServiceName, string, Json];
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

const KINDS: readonly Kind[] = [
  {
    arn: /^arn:[^:]+:lambda:[^:]*:\d*:function:.+$/,
    needsRole: false,
    call: (_, { Arn }, __, payload) => [
      'lambda',
      'Invoke',
      { FunctionName: Arn, InvocationType: 'Event', Payload: Buffer.from(payload) },
    ],
  },
  {
    arn: /^arn:[^:]+:sqs:[^:]*:(\d*):([^:]+)$/,
    needsRole: false,
    call: ([, account, name], { SqsParameters }, _, payload) => [
      'sqs',
      'SendMessage',
      {
        QueueUrl: `http://127.0.0.1/${account}/${name}`,
        MessageBody: payload,
        ...(SqsParameters?.MessageGroupId !== undefined && { MessageGroupId: SqsParameters.MessageGroupId }),
      },
    ],
  },
  {
    arn: /^arn:[^:]+:events:[^:]*:\d*:event-bus\/.+$/,
    needsRole: true,
    call: (_, { Arn }, event) => {
      const { source, resources, 'detail-type': detailType, detail } = JSON.parse(event.text);
      const entry = { Source: source, DetailType: detailType, Resources: resources, Detail: JSON.stringify(detail) };
      return ['events', 'PutEvents', { Entries: [{ ...entry, EventBusName: Arn }], [FORWARDED]: event }];
    },
  },
  {
    arn: /^arn:[^:]+:kinesis:[^:]*:\d*:stream\/(.+)$/,
    needsRole: true,
    call: ([, name], { KinesisParameters }, event, payload) => {
      const path = KinesisParameters === undefined ? undefined : parseJsonPath(KinesisParameters.PartitionKeyPath);
      const key = path === undefined ? undefined : findByPath(path, JSON.parse(event.text));
      // "The default is to use the eventId as the partition key."
      const PartitionKey = key === undefined ? event.id : typeof key === 'string' ? key : JSON.stringify(key);
      return ['kinesis', 'PutRecord', { StreamName: name, Data: base64(payload), PartitionKey }];
    },
  },
  {
    arn: /^arn:[^:]+:states:[^:]*:\d*:stateMachine:.+$/,
    needsRole: true,
    call: (_, { Arn }, __, payload) => ['states', 'StartExecution', { stateMachineArn: Arn, input: payload }],
  },
  {
    arn: /^arn:[^:]+:firehose:[^:]*:\d*:deliverystream\/(.+)$/,
    needsRole: true,
    call: ([, name], _, __, payload) => [
      'firehose',
      'PutRecord',
      { DeliveryStreamName: name, Record: { Data: base64(payload) } },
    ],
  },
];

const kindOf = (arn: string): Kind | undefined => KINDS.find((kind) => kind.arn.test(arn));

/** Refuses a target that cannot be called, when it is put. */
export function checkTargetArn(target: Target): void {
  const kind = kindOf(target.Arn);
  if (kind === undefined) {
    throw invalid(
      /^arn:/.test(target.Arn)
        ? `The target ${target.Arn} is not supported here: only Lambda functions, SQS queues, event buses, Kinesis streams, state machines and Firehose streams`
        : `Parameter ${target.Arn} is not valid. Reason: Provided Arn is not in correct format.`,
    );
  }
  if (kind.needsRole && target.RoleArn === undefined) throw invalid(`RoleArn is required for target ${target.Arn}.`);
}

/** Calls the target as the target's role, or as EventBridge on behalf of the rule. */
export async function callTarget(
  cloud: Cloud,
  rule: DeliveringRule,
  target: Target,
  event: BusEvent,
  payload: string,
): Promise<void> {
  const kind = kindOf(target.Arn);
  if (kind === undefined) throw new Error(`${target.Arn} was put unchecked`);
  const caller: Caller =
    target.RoleArn === undefined ? serviceCaller(rule) : { principal: target.RoleArn, sourceArn: rule.arn };
  const [service, operation, input] = kind.call(kind.arn.exec(target.Arn)!, target, event, payload);
  await cloud.call(caller, service, operation, input);
}

export const serviceCaller = (rule: DeliveringRule): Caller => ({
  principal: 'service:events.amazonaws.com',
  sourceArn: rule.arn,
});

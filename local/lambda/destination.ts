import { type Cloud, type Json, ROOT, ServiceError } from '../cloud.ts';

/** Who sends, in whose name: the function's or the pipe's role; without one, the person at the laptop. */
export function asRole(role: string | undefined) {
  return role === undefined ? ROOT : { principal: role };
}

/**
 * Puts a body on a queue named by its ARN. The queue's URL is looked up without a grant: a real poller needs
 * sqs:SendMessage alone.
 */
export async function sendToQueue(
  cloud: Cloud,
  role: string | undefined,
  queueArn: string,
  body: string,
  more: { readonly attributes?: Json; readonly groupId?: string; readonly deduplicationId?: string } = {},
): Promise<void> {
  await cloud.call(asRole(role), 'sqs', 'SendMessage', {
    QueueUrl: await queueUrlOf(cloud, queueArn),
    MessageBody: body,
    ...(more.attributes !== undefined && { MessageAttributes: more.attributes }),
    ...(more.groupId !== undefined && { MessageGroupId: more.groupId }),
    ...(more.deduplicationId !== undefined && { MessageDeduplicationId: more.deduplicationId }),
  });
}

export async function queueUrlOf(cloud: Cloud, queueArn: string): Promise<string> {
  const { QueueUrl } = await cloud.call(ROOT, 'sqs', 'GetQueueUrl', { QueueName: queueArn.split(':').pop() });
  return QueueUrl;
}

/** The service that an ARN names. */
export function serviceOf(arn: string): string {
  return arn.split(':')[2] ?? '';
}

/** Only queues, functions and buses can take what failed here. */
export function checkDestination(arn: Json, what: string, allowed: readonly string[]): string | undefined {
  if (arn === undefined || arn === null) return undefined;
  if (typeof arn === 'string' && allowed.includes(serviceOf(arn))) return arn;
  throw new ServiceError(
    'InvalidParameterValueException',
    `${what}: the destination ${String(arn)} is not supported here, only ${allowed.join(', ')}`,
  );
}

/** "Destinations for asynchronous invocation": a queue, a function or a bus gets the invocation record. */
export async function sendToDestination(
  cloud: Cloud,
  role: string | undefined,
  arn: string,
  record: Json,
  succeeded: boolean,
): Promise<void> {
  switch (serviceOf(arn)) {
    case 'sqs':
      return sendToQueue(cloud, role, arn, JSON.stringify(record));
    case 'lambda':
      await cloud.call(asRole(role), 'lambda', 'Invoke', {
        FunctionName: arn,
        InvocationType: 'Event',
        Payload: JSON.stringify(record),
      });
      return;
    case 'events': {
      // "Lambda passes the invocation record as the detail … source lambda, detail type Lambda Function Invocation Result".
      const answer = await cloud.call(asRole(role), 'events', 'PutEvents', {
        Entries: [
          {
            Source: 'lambda',
            DetailType: `Lambda Function Invocation Result - ${succeeded ? 'Success' : 'Failure'}`,
            Resources: [arn, record.requestContext.functionArn],
            Detail: JSON.stringify(record),
            EventBusName: arn,
          },
        ],
      });
      if (answer.FailedEntryCount > 0)
        throw new ServiceError(answer.Entries[0].ErrorCode, answer.Entries[0].ErrorMessage);
    }
  }
}

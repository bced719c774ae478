import { describe, expect, it, vi } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { queueArn, virtualCloud } from './virtual-cloud.ts';

async function queueTo(handler: (event: Json) => unknown, mapping: Json = {}, attributes: Record<string, string> = {}) {
  const host = virtualCloud();
  const batches: { at: number; bodies: string[] }[] = [];
  host.lambda.registerInProcess('reader', (event) => {
    batches.push({
      at: host.kernel.clock.now() - host.startedAt,
      bodies: event.Records.map((record: Json) => record.body),
    });
    return handler(event);
  });
  const url = await host.queue('jobs', attributes);
  const { UUID } = await host.functions('CreateEventSourceMapping', {
    FunctionName: 'reader',
    EventSourceArn: queueArn('jobs'),
    ...mapping,
  });
  return {
    ...host,
    url,
    UUID,
    batches,
    send: (MessageBody: string, more: Json = {}) => host.queues('SendMessage', { QueueUrl: url, MessageBody, ...more }),
    async left() {
      const { Attributes } = await host.queues('GetQueueAttributes', { QueueUrl: url, AttributeNames: ['All'] });
      return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
    },
  };
}

describe('a queue mapping', () => {
  it("hands on messages in AWS's shape and deletes them", async () => {
    const events: Json[] = [];
    const { send, run, left } = await queueTo((event) => events.push(event));
    await send('hello', { MessageAttributes: { kind: { DataType: 'String', StringValue: 'greeting' } } });
    await run(1000);
    expect(events).toEqual([
      {
        Records: [
          {
            messageId: expect.any(String),
            receiptHandle: expect.any(String),
            body: 'hello',
            attributes: expect.objectContaining({
              ApproximateReceiveCount: '1',
              SentTimestamp: expect.stringMatching(/^\d{13}$/),
            }),
            messageAttributes: {
              kind: { stringValue: 'greeting', stringListValues: [], binaryListValues: [], dataType: 'String' },
            },
            md5OfBody: '5d41402abc4b2a76b9719d911017c592',
            md5OfMessageAttributes: expect.any(String),
            eventSource: 'aws:sqs',
            eventSourceARN: queueArn('jobs'),
            awsRegion: 'us-east-1',
          },
        ],
      },
    ]);
    expect(await left()).toBe(0);
  });

  it('gives back what a poll brings that was open when the mapping was deleted', async () => {
    const { send, run, batches, functions, queues, url, UUID } = await queueTo(
      () => {},
      {},
      { VisibilityTimeout: '600' },
    );
    await run(10);
    await functions('DeleteEventSourceMapping', { UUID });
    await send('for somebody else');
    await run(10);
    expect(batches).toEqual([]);
    expect((await queues('ReceiveMessage', { QueueUrl: url })).Messages).toMatchObject([{ Body: 'for somebody else' }]);
  });

  it('does not ask an idle queue again and again, and reads at once what comes and what comes back', async () => {
    let fails = true;
    const { cloud, send, run, batches, left, functions, UUID } = await queueTo(
      () => {
        if (fails) throw new Error('not yet');
      },
      {},
      { VisibilityTimeout: '30' },
    );
    const calls = vi.spyOn(cloud, 'call');
    await run(25 * 3_600_000);
    expect(calls.mock.calls.filter(([, , operation]) => operation === 'ReceiveMessage').length).toBeLessThanOrEqual(2);
    await send('late');
    await run(1);
    expect(batches.length).toBe(1);
    await run(3_600_000);
    expect(batches.length).toBeGreaterThan(100);
    expect(batches[1]!.at - batches[0]!.at).toBe(30_000);
    fails = false;
    await run(30_000);
    expect(await left()).toBe(0);
    await run(3_600_000);
    await functions('DeleteEventSourceMapping', { UUID });
    await send('for somebody else');
    await run(60_000);
    expect(await left()).toBe(1);
  });

  it('lets a failed batch come back after its visibility timeout, until the queue gives it up', async () => {
    const { send, run, batches, left, drain, queue, queues, url } = await queueTo(() => {
      throw new Error('no');
    });
    const dead = await queue('dead');
    await queues('SetQueueAttributes', {
      QueueUrl: url,
      Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArn('dead'), maxReceiveCount: 3 }) },
    });
    await send('x');
    await run(200_000);
    expect(batches.map((batch) => batch.at)).toEqual([0, 30_000, 60_000]);
    expect(await left()).toBe(0);
    expect((await drain(dead)).map((message) => message.Body)).toEqual(['x']);
  });

  it('deletes what succeeded of a partly failed batch', async () => {
    let first = true;
    const { send, run, batches, left } = await queueTo(
      (event) => {
        if (!first) return {};
        first = false;
        return { batchItemFailures: [{ itemIdentifier: event.Records[1].messageId }] };
      },
      { FunctionResponseTypes: ['ReportBatchItemFailures'], BatchSize: 3, MaximumBatchingWindowInSeconds: 1 },
    );
    for (const body of ['a', 'b', 'c']) await send(body);
    await run(60_000);
    expect(batches.map((batch) => batch.bodies)).toEqual([['a', 'b', 'c'], ['b']]);
    expect(await left()).toBe(0);
  });

  it('fills large batches within the window and deletes what the filter does not match', async () => {
    const { send, run, batches, left } = await queueTo(() => {}, {
      BatchSize: 25,
      MaximumBatchingWindowInSeconds: 5,
      FilterCriteria: { Filters: [{ Pattern: '{"body":{"n":[{"numeric":["<",24]}]}}' }] },
    });
    for (let n = 0; n < 30; n++) await send(JSON.stringify({ n }));
    await run(30_000);
    expect(batches.length).toBe(1);
    expect(batches[0]!.bodies.length).toBe(24);
    expect(await left()).toBe(0);
  });

  it('runs as many batches at once as it may', async () => {
    let now = 0;
    let most = 0;
    const { send, run, kernel } = await queueTo(
      async () => {
        most = Math.max(most, ++now);
        await kernel.scheduler.sleep(1000);
        now -= 1;
      },
      { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } },
    );
    for (let n = 0; n < 6; n++) await send(String(n));
    await run(10_000);
    expect(most).toBe(2);
  });

  it('needs a visibility timeout that covers the function, and a window for large batches', async () => {
    const host = virtualCloud();
    host.lambda.registerInProcess('reader', () => {});
    await host.queue('short', { VisibilityTimeout: '2' });
    const create = (more: Json) =>
      host.functions('CreateEventSourceMapping', {
        FunctionName: 'reader',
        EventSourceArn: queueArn('short'),
        ...more,
      });
    await expect(create({})).rejects.toThrow('less than Function timeout: 3 seconds');
    await expect(create({ BatchSize: 11 })).rejects.toThrow('Maximum batch window');
    await expect(create({ StartingPosition: 'LATEST' })).rejects.toThrow('StartingPosition');
  });
});

import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { queueArn, streamArn, virtualCloud } from './virtual-cloud.ts';

const fails = () => {
  throw new TypeError('broken');
};

describe('where failures go', () => {
  it('sends an asynchronous event that failed to its destination and to the dead-letter queue', async () => {
    const { lambda, queue, functions, run, drain } = virtualCloud();
    const [failures, dead] = [await queue('failures'), await queue('dead')];
    lambda.registerInProcess('fn', fails);
    await functions('UpdateFunctionConfiguration', {
      FunctionName: 'fn',
      DeadLetterConfig: { TargetArn: queueArn('dead') },
    });
    await functions('PutFunctionEventInvokeConfig', {
      FunctionName: 'fn',
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnFailure: { Destination: queueArn('failures') } },
    });
    await functions('Invoke', { FunctionName: 'fn', InvocationType: 'Event', Payload: '{"n":1}' });
    await run(300_000);
    const [message] = await drain(failures);
    expect(JSON.parse(message.Body)).toEqual({
      version: '1.0',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      requestContext: {
        requestId: expect.any(String),
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST',
        condition: 'RetriesExhausted',
        approximateInvokeCount: 2,
      },
      requestPayload: { n: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: expect.objectContaining({ errorType: 'TypeError', errorMessage: 'broken' }),
    });
    const [letter] = await drain(dead);
    expect(letter.Body).toBe('{"n":1}');
    expect(letter.MessageAttributes).toMatchObject({
      ErrorCode: { StringValue: '200' },
      ErrorMessage: { StringValue: 'broken' },
    });
  });

  it('sends successes to another function', async () => {
    const { lambda, functions, run } = virtualCloud();
    const got: Json[] = [];
    lambda.registerInProcess('fn', (event) => event.n + 1);
    lambda.registerInProcess('next', (event) => void got.push(event));
    await functions('PutFunctionEventInvokeConfig', {
      FunctionName: 'fn',
      DestinationConfig: { OnSuccess: { Destination: 'arn:aws:lambda:us-east-1:000000000000:function:next' } },
    });
    await functions('Invoke', { FunctionName: 'fn', InvocationType: 'Event', Payload: '{"n":1}' });
    await run(1000);
    expect(got).toMatchObject([
      { requestContext: { condition: 'Success' }, requestPayload: { n: 1 }, responsePayload: 2 },
    ]);
  });

  it.each([
    ['RetryAttemptsExhausted', { MaximumRetryAttempts: 1 }, 2],
    ['RecordAgeExceeded', { MaximumRecordAgeInSeconds: 60 }, 9],
  ])('sends the place of records that a mapping gave up: %s', async (condition, limits, attempts) => {
    const { lambda, queue, functions, feeds, put, run, drain } = virtualCloud();
    const failures = await queue('failures');
    lambda.registerInProcess('fn', fails);
    await feeds('CreateStream', { StreamName: 'feed', ShardCount: 1 });
    await run(1000);
    const first = await put('feed', 'a', 1);
    const second = await put('feed', 'a', 2);
    await functions('CreateEventSourceMapping', {
      FunctionName: 'fn',
      EventSourceArn: streamArn('feed'),
      StartingPosition: 'TRIM_HORIZON',
      DestinationConfig: { OnFailure: { Destination: queueArn('failures') } },
      ...limits,
    });
    await run(300_000);
    const messages = await drain(failures);
    expect(messages.map((message) => JSON.parse(message.Body))).toEqual([
      {
        requestContext: {
          requestId: expect.any(String),
          functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:fn',
          condition,
          approximateInvokeCount: attempts,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        version: '1.0',
        timestamp: expect.any(String),
        KinesisBatchInfo: {
          shardId: 'shardId-000000000000',
          startSequenceNumber: first.SequenceNumber,
          endSequenceNumber: second.SequenceNumber,
          approximateArrivalOfFirstRecord: expect.stringMatching(/\.\d{3}Z$/),
          approximateArrivalOfLastRecord: expect.stringMatching(/\.\d{3}Z$/),
          batchSize: 2,
          streamArn: streamArn('feed'),
        },
      },
    ]);
  });

  it('takes queues only for a mapping, and queues, functions and buses for asynchronous invocation', async () => {
    const { lambda, functions } = virtualCloud();
    lambda.registerInProcess('fn', fails);
    const topic = { OnFailure: { Destination: 'arn:aws:sns:us-east-1:000000000000:t' } };
    await expect(
      functions('PutFunctionEventInvokeConfig', { FunctionName: 'fn', DestinationConfig: topic }),
    ).rejects.toThrow('arn:aws:sns');
    await expect(
      functions('CreateEventSourceMapping', {
        FunctionName: 'fn',
        EventSourceArn: streamArn('feed'),
        StartingPosition: 'LATEST',
        DestinationConfig: topic,
      }),
    ).rejects.toThrow('arn:aws:sns');
  });
});

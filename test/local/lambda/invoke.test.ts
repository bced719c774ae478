import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { CrashedRuntime } from '../../../local/lambda/invoker.ts';
import { virtualCloud } from './virtual-cloud.ts';

const host = (handler: (event: Json, context: Json) => unknown, options = {}) => {
  const virtual = virtualCloud(options);
  virtual.lambda.registerInProcess('fn', handler);
  return {
    ...virtual,
    invoke: (payload: unknown, more: Json = {}) =>
      virtual.functions('Invoke', {
        FunctionName: 'fn',
        ...(payload !== undefined && { Payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
        ...more,
      }),
  };
};
const bodyOf = (answer: Json) => JSON.parse(answer.Payload.toString('utf8'));

describe('Invoke in virtual time', () => {
  it('takes names, ARNs and partial ARNs, text and bytes, and an absent payload', async () => {
    const { functions, invoke } = host((event) => event);
    for (const FunctionName of [
      'fn',
      'fn:$LATEST',
      'arn:aws:lambda:us-east-1:000000000000:function:fn',
      'arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST',
      '000000000000:function:fn',
    ]) {
      const answer = await functions('Invoke', { FunctionName, Payload: Buffer.from('{"é":1}') });
      expect(bodyOf(answer)).toEqual({ é: 1 });
      expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    }
    expect(bodyOf(await invoke(undefined))).toEqual({});
  });

  it('refuses what Lambda refuses', async () => {
    const { functions, invoke, cloud } = host(() => 1);
    await expect(functions('Invoke', { FunctionName: 'nobody' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      status: 404,
      message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody',
    });
    await expect(functions('Invoke', { FunctionName: 'a b' })).rejects.toMatchObject({ code: 'ValidationException' });
    await expect(invoke('{')).rejects.toMatchObject({ code: 'InvalidRequestContentException', status: 400 });
    await expect(invoke(`"${'x'.repeat(6_291_455)}"`)).rejects.toMatchObject({
      code: 'RequestTooLargeException',
      status: 413,
    });
    await expect(invoke(`"${'x'.repeat(1_048_575)}"`, { InvocationType: 'Event' })).rejects.toMatchObject({
      status: 413,
    });
    await expect(invoke({}, { InvocationType: 'Later' })).rejects.toThrow('Later');
    await expect(invoke({}, { DurableExecutionName: 'x' })).rejects.toThrow('DurableExecutionName');
    await expect(cloud.call({ principal: 'root' }, 'lambda', 'InvokeWithResponseStream', {})).rejects.toMatchObject({
      code: 'UnknownOperationException',
    });
    expect(await invoke({}, { InvocationType: 'DryRun' })).toMatchObject({ StatusCode: 204 });
  });

  it('times out by the kernel, tells the handler, and goes on', async () => {
    let aborted = false;
    const { functions, invoke, kernel, run } = host(async (event, context) => {
      context.signal().addEventListener('abort', () => {
        aborted = true;
      });
      await kernel.scheduler.sleep(event.ms);
      return context.getRemainingTimeInMillis();
    });
    await functions('UpdateFunctionConfiguration', { FunctionName: 'fn', Timeout: 5 });
    const slow = invoke({ ms: 6000 });
    await run(10_000);
    expect(bodyOf(await slow)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^RequestId: .{36} Error: Task timed out after 5\.00 seconds$/),
    });
    expect(aborted).toBe(true);
    const quick = invoke({ ms: 2000 });
    await run(10_000);
    expect(bodyOf(await quick)).toBe(3000);
  });

  it('reports errors and crashes', async () => {
    const { invoke } = host((event) => {
      if (event.crash) throw new CrashedRuntime();
      throw new RangeError('too far');
    });
    expect(await invoke({})).toMatchObject({ FunctionError: 'Unhandled' });
    expect(bodyOf(await invoke({}))).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect(bodyOf(await invoke({ crash: true }))).toMatchObject({ errorType: 'Runtime.ExitError' });
  });

  it('throttles at the reserved concurrency and at the account’s', async () => {
    const { functions, invoke, kernel, run, lambda } = host(() => kernel.scheduler.sleep(1000), {
      accountConcurrency: 3,
    });
    await functions('PutFunctionConcurrency', { FunctionName: 'fn', ReservedConcurrentExecutions: 2 });
    const answers = Promise.allSettled([invoke({}), invoke({}), invoke({})]);
    await run(2000);
    const [, , third] = await answers;
    expect(third).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'TooManyRequestsException',
        status: 429,
        message: 'Rate Exceeded.',
        fields: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' },
      },
    });
    expect(lambda.metrics().sum('Throttles', { FunctionName: 'fn' })).toBe(1);
    await functions('DeleteFunctionConcurrency', { FunctionName: 'fn' });
    const more = Promise.allSettled([1, 2, 3, 4].map(() => invoke({})));
    await run(2000);
    expect((await more).map((answer) => answer.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  });
});

describe('asynchronous invocation', () => {
  it('answers at once, runs soon, and tries three times, after one minute and two', async () => {
    const times: number[] = [];
    const { invoke, run, kernel, startedAt } = host((_event, context) => {
      times.push(kernel.clock.now() - startedAt);
      if (times.length < 3) throw new Error(context.awsRequestId);
    });
    expect(await invoke({}, { InvocationType: 'Event' })).toMatchObject({ StatusCode: 202 });
    expect(times).toEqual([]);
    await run(600_000);
    expect(times).toEqual([0, 60_000, 180_000]);
  });

  it('gives up as EventInvokeConfig says', async () => {
    let calls = 0;
    const { invoke, run, functions } = host(() => {
      calls += 1;
      throw new Error('no');
    });
    await functions('PutFunctionEventInvokeConfig', { FunctionName: 'fn', MaximumRetryAttempts: 1 });
    await invoke({}, { InvocationType: 'Event' });
    await run(3_600_000);
    expect(calls).toBe(2);
    await functions('PutFunctionEventInvokeConfig', { FunctionName: 'fn', MaximumEventAgeInSeconds: 60 });
    await invoke({}, { InvocationType: 'Event' });
    await run(3_600_000);
    expect(calls).toBe(4); // the third attempt would come after the maximum age
    await expect(
      functions('PutFunctionEventInvokeConfig', { FunctionName: 'fn', MaximumRetryAttempts: 3 }),
    ).rejects.toThrow('between 0 and 2');
  });

  it('waits out throttling without using up a retry', async () => {
    let calls = 0;
    const { invoke, run, functions, kernel } = host(async () => {
      calls += 1;
      await kernel.scheduler.sleep(2500);
    });
    await functions('PutFunctionConcurrency', { FunctionName: 'fn', ReservedConcurrentExecutions: 1 });
    for (let i = 0; i < 4; i++) await invoke({}, { InvocationType: 'Event' });
    await run(600_000);
    expect(calls).toBe(4);
  });
});

describe('permissions', () => {
  it('keeps a resource policy', async () => {
    const { functions, lambda } = host(() => 1);
    expect(lambda.resourcePolicy('fn')).toBeUndefined();
    await expect(functions('GetPolicy', { FunctionName: 'fn' })).rejects.toMatchObject({ status: 404 });
    const add = (StatementId: string) =>
      functions('AddPermission', {
        FunctionName: 'fn',
        StatementId,
        Action: 'lambda:InvokeFunction',
        Principal: '123456789012',
      });
    await add('a');
    await expect(add('a')).rejects.toMatchObject({ code: 'ResourceConflictException', status: 409 });
    const { Policy } = await functions('GetPolicy', { FunctionName: 'fn' });
    expect(JSON.parse(Policy).Statement).toMatchObject([
      { Sid: 'a', Principal: { AWS: 'arn:aws:iam::123456789012:root' } },
    ]);
    await functions('RemovePermission', { FunctionName: 'fn', StatementId: 'a' });
    expect(lambda.resourcePolicy('fn')).toBeUndefined();
  });
});

describe('configuration', () => {
  it('checks the environment', async () => {
    const { functions } = host(() => 1);
    const update = (Variables: Record<string, string>) =>
      functions('UpdateFunctionConfiguration', { FunctionName: 'fn', Environment: { Variables } });
    await expect(update({ AWS_REGION: 'x' })).rejects.toThrow('Reserved keys used in this request: AWS_REGION');
    await expect(update({ LONG: 'x'.repeat(4096) })).rejects.toThrow('exceeded the 4KB limit');
    expect(await update({ OK: '1' })).toMatchObject({ Environment: { Variables: { OK: '1' } } });
  });

  it('forgets a deleted function', async () => {
    const { functions } = host(() => 1);
    expect((await functions('ListFunctions', {})).Functions.map((one: Json) => one.FunctionName)).toEqual(['fn']);
    await functions('DeleteFunction', { FunctionName: 'fn' });
    await expect(functions('GetFunction', { FunctionName: 'fn' })).rejects.toMatchObject({ status: 404 });
  });
});

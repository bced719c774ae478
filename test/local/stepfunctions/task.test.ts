import { describe, expect, it } from 'vitest';
import { type Json, ServiceError } from '../../../local/cloud.ts';
import { FunctionError, functionArn, machineArn, only, ROLE, Workbench } from './workbench.ts';

const task = (resource: string, args?: Json, more: Json = {}) =>
  only({
    Type: 'Task',
    Resource: `arn:aws:states:::${resource}`,
    ...(args === undefined ? {} : { Arguments: args }),
    ...more,
  });

describe('a function by its ARN', () => {
  it('gets the arguments, or the input, and gives its answer', async () => {
    const bench = new Workbench({ f: (event) => ({ got: event }) });
    const direct = (more: Json = {}) => only({ Type: 'Task', Resource: functionArn('f'), ...more });
    expect((await bench.run(direct(), { a: 1 })).output).toEqual({ got: { a: 1 } });
    const { output, events, history } = await bench.run(
      direct({ Arguments: { b: '{% $states.input.a %}' }, Output: '{% $states.result.got.b %}', TimeoutSeconds: 9 }),
      { a: 1 },
    );
    expect(output).toBe(1);
    expect(events.slice(2, 5)).toEqual(['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded']);
    expect(history[2].lambdaFunctionScheduledEventDetails).toEqual({
      input: '{"b":1}',
      inputDetails: { truncated: false },
      resource: functionArn('f'),
      timeoutInSeconds: 9,
    });
    expect(bench.calls[0]).toMatchObject({ operation: 'Invoke', principal: ROLE });
  });
});

describe('lambda:invoke', () => {
  it('parses the payload and shows the rest of the answer', async () => {
    const bench = new Workbench({ f: (event) => [event] });
    const { output, history } = await bench.run(
      task('lambda:invoke', { FunctionName: functionArn('f'), Payload: { x: '{% $states.input.a %}' } }),
      { a: 1 },
    );
    expect(output).toMatchObject({ ExecutedVersion: '$LATEST', Payload: [{ x: 1 }], StatusCode: 200 });
    expect(output.SdkHttpMetadata.HttpStatusCode).toBe(200);
    expect(history.slice(2, 5)).toMatchObject([
      {
        type: 'TaskScheduled',
        taskScheduledEventDetails: {
          parameters: `{"FunctionName":"${functionArn('f')}","Payload":{"x":1}}`,
          region: 'us-east-1',
          resource: 'invoke',
          resourceType: 'lambda',
        },
      },
      { type: 'TaskStarted', taskStartedEventDetails: { resource: 'invoke', resourceType: 'lambda' } },
      { type: 'TaskSucceeded', taskSucceededEventDetails: { resource: 'invoke', resourceType: 'lambda' } },
    ]);
  });

  it('fails with the name of the function error, and with that of the service', async () => {
    const bench = new Workbench({
      f: () => {
        throw new FunctionError('TypeError', 'x is not a function');
      },
    });
    const failed = await bench.run(task('lambda:invoke', { FunctionName: 'f' }));
    expect(failed).toMatchObject({
      error: 'TypeError',
      cause: '{"errorType":"TypeError","errorMessage":"x is not a function","trace":[]}',
    });
    expect(failed.history[4]).toMatchObject({
      type: 'TaskFailed',
      taskFailedEventDetails: { error: 'TypeError', cause: failed.cause, resource: 'invoke', resourceType: 'lambda' },
    });
    const missing = await bench.run(task('lambda:invoke', { FunctionName: 'g' }));
    expect(missing.error).toBe('Lambda.ResourceNotFoundException');
    expect(missing.cause).toMatch(
      /^Function not found: g \(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException;/,
    );
  });

  it('runs out of time after TimeoutSeconds', async () => {
    const bench = new Workbench({ f: (_event, { kernel }) => kernel.scheduler.sleep(60_000) });
    const late = await bench.run(
      task('lambda:invoke', { FunctionName: 'f' }, { TimeoutSeconds: '{% $states.input.t %}' }),
      { t: 5 },
    );
    expect(late).toMatchObject({ status: 'FAILED', error: 'States.Timeout', cause: undefined, ms: 5000 });
    expect(late.history[4]).toMatchObject({
      type: 'TaskTimedOut',
      taskTimedOutEventDetails: { error: 'States.Timeout', resource: 'invoke', resourceType: 'lambda' },
    });
    const direct = await bench.run(only({ Type: 'Task', Resource: functionArn('f'), TimeoutSeconds: 5 }));
    expect(direct.events[4]).toBe('LambdaFunctionTimedOut');
  });

  it('calls as the role of Credentials', async () => {
    const bench = new Workbench({ f: () => 1 });
    await bench.run(
      task('lambda:invoke', { FunctionName: 'f' }, { Credentials: { RoleArn: '{% $states.input.r %}' } }),
      { r: 'arn:aws:iam::1:role/x' },
    );
    expect(bench.calls[0]!.principal).toBe('arn:aws:iam::1:role/x');
  });
});

describe('a task token', () => {
  const waiting = (more: Json = {}) =>
    task(
      'lambda:invoke.waitForTaskToken',
      { FunctionName: 'f', Payload: { token: '{% $states.context.Task.Token %}' } },
      { Output: '{% $states.result %}', ...more },
    );
  const started = async (more: Json = {}) => {
    let token = '';
    const bench = new Workbench({
      f: (event) => {
        token = event.token;
      },
    });
    const arn = await bench.start(waiting(more));
    await bench.pass(1000);
    return { bench, arn, token };
  };

  it('brings the result back', async () => {
    const { bench, arn, token } = await started();
    await bench.states('SendTaskSuccess', { taskToken: token, output: '{"ok":true}' });
    await bench.pass(0);
    const { output, events, history } = await bench.result(arn);
    expect(output).toEqual({ ok: true });
    expect(events.slice(2, 6)).toEqual(['TaskScheduled', 'TaskStarted', 'TaskSubmitted', 'TaskSucceeded']);
    expect(history[2].taskScheduledEventDetails.resource).toBe('invoke.waitForTaskToken');
    expect(history[5].taskSucceededEventDetails).toEqual({
      output: '{"ok":true}',
      outputDetails: { truncated: false },
      resource: 'invoke.waitForTaskToken',
      resourceType: 'lambda',
    });
    await expect(bench.states('SendTaskSuccess', { taskToken: token, output: '1' })).rejects.toMatchObject({
      code: 'TaskTimedOut',
    });
  });

  it('brings a failure back, which a retry answers with a new token', async () => {
    const tokens: string[] = [];
    const bench = new Workbench({
      f: (event) => {
        tokens.push(event.token);
      },
    });
    const arn = await bench.start(waiting({ Retry: [{ ErrorEquals: ['Nope'], MaxAttempts: 1 }] }));
    await bench.pass(0);
    await bench.states('SendTaskFailure', { taskToken: tokens[0], error: 'Nope', cause: 'why' });
    await bench.pass(1000);
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).not.toBe(tokens[0]);
    await bench.states('SendTaskFailure', { taskToken: tokens[1], error: 'Nope', cause: 'why' });
    await bench.pass(0);
    expect(await bench.result(arn)).toMatchObject({ status: 'FAILED', error: 'Nope', cause: 'why' });
  });

  it('may come back before the call that hands it over has answered', async () => {
    const bench: Workbench = new Workbench({
      f: async ({ token }) => {
        await bench.states('SendTaskSuccess', { taskToken: token, output: '"early"' });
      },
    });
    expect((await bench.run(waiting())).output).toBe('early');
  });

  it('is given up without a heartbeat in time, under two names', async () => {
    const { bench, arn } = await started({ HeartbeatSeconds: 30, TimeoutSeconds: 3600 });
    await bench.pass(100_000);
    const late = await bench.result(arn);
    expect(late).toMatchObject({ status: 'FAILED', error: 'States.Timeout', cause: undefined, ms: 30_000 });
    expect(late.history[2].taskScheduledEventDetails).toMatchObject({ heartbeatInSeconds: 30, timeoutInSeconds: 3600 });
    for (const name of ['States.HeartbeatTimeout', 'States.Timeout']) {
      const caught = await started({
        HeartbeatSeconds: 30,
        Retry: [{ ErrorEquals: [name], MaxAttempts: 1, IntervalSeconds: 10 }],
      });
      await caught.bench.pass(100_000);
      expect((await caught.bench.result(caught.arn)).ms).toBe(70_000);
    }
    const Output = '{% $states.errorOutput.Error %}';
    const told = await started({
      HeartbeatSeconds: 30,
      Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'S', Output }],
    });
    await told.bench.pass(31_000);
    const [entered] = (await told.bench.history(told.arn)).filter(
      (one) => one.stateEnteredEventDetails?.input === '"States.Timeout"',
    );
    expect(entered).toBeDefined();
  });

  it('lives on with heartbeats, until TimeoutSeconds', async () => {
    const { bench, arn, token } = await started({ HeartbeatSeconds: 30, TimeoutSeconds: 100 });
    for (let i = 0; i < 4; i++) {
      await bench.pass(20_000);
      await bench.states('SendTaskHeartbeat', { taskToken: token });
    }
    await bench.pass(60_000);
    expect(await bench.result(arn)).toMatchObject({ error: 'States.Timeout', ms: 100_000 });
    await expect(bench.states('SendTaskHeartbeat', { taskToken: token })).rejects.toMatchObject({
      code: 'TaskTimedOut',
    });
  });

  it('must be one, with an output that is JSON', async () => {
    const { bench, token } = await started();
    await expect(bench.states('SendTaskSuccess', { taskToken: 'x', output: '1' })).rejects.toMatchObject({
      code: 'InvalidToken',
    });
    await expect(bench.states('SendTaskSuccess', { taskToken: token, output: '{' })).rejects.toMatchObject({
      code: 'InvalidOutput',
    });
  });
});

describe('DynamoDB', () => {
  const conflict = (operation: string) => {
    if (operation === 'GetItem') return { Item: { id: { S: 'a' } } };
    if (operation === 'UpdateItem') throw new ServiceError('ValidationException', 'bad expression');
    throw new ServiceError('ConditionalCheckFailedException', 'The conditional request failed');
  };
  const bench = () => new Workbench({}, { dynamodb: conflict });
  const item = { TableName: 't', Item: { id: { S: '{% $states.input.id %}' } } };

  it('optimized: answers with SDK metadata, errors begin with DynamoDB', async () => {
    const { output } = await bench().run(task('dynamodb:getItem', { TableName: 't', Key: { id: { S: 'a' } } }));
    expect(output).toMatchObject({ Item: { id: { S: 'a' } }, SdkHttpMetadata: { HttpStatusCode: 200 } });
    expect(await bench().run(task('dynamodb:putItem', item), { id: 'x' })).toMatchObject({
      error: 'DynamoDB.ConditionalCheckFailedException',
    });
    const invalid = await bench().run(task('dynamodb:updateItem', { TableName: 't', Key: {} }));
    expect(invalid.error).toBe('DynamoDB.AmazonDynamoDBException');
    expect(invalid.cause).toContain(
      '(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: ',
    );
  });

  it('by the SDK: answers bare, errors begin with DynamoDb', async () => {
    const { output, history } = await bench().run(task('aws-sdk:dynamodb:getItem', { TableName: 't', Key: {} }));
    expect(output).toEqual({ Item: { id: { S: 'a' } } });
    expect(history[2].taskScheduledEventDetails).toMatchObject({
      resource: 'getItem',
      resourceType: 'aws-sdk:dynamodb',
    });
    const failed = await bench().run(task('aws-sdk:dynamodb:putItem', item), { id: 'x' });
    expect(failed.error).toBe('DynamoDb.ConditionalCheckFailedException');
    expect(failed.cause).toMatch(
      /^The conditional request failed \(Service: DynamoDb, Status Code: 400, Request ID: [0-9a-f-]{36}\)$/,
    );
    expect((await bench().run(task('aws-sdk:dynamodb:updateItem', item), { id: 'x' })).error).toBe(
      'DynamoDb.DynamoDbException',
    );
  });
});

describe('events:putEvents', () => {
  const entry = { Source: 's', DetailType: 't', Detail: { n: '{% $states.input.n %}' }, EventBusName: 'b' };

  it('writes the detail as text and adds who sent it', async () => {
    const bench = new Workbench({}, { events: () => ({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] }) });
    const { output, arn } = await bench.run(task('events:putEvents', { Entries: [entry] }), { n: 1 });
    expect(output).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
    expect(bench.calls[0]!.input.Entries[0]).toEqual({
      ...entry,
      Detail: '{"n":1}',
      Resources: [arn, machineArn('m1')],
    });
  });

  it('fails when an entry failed', async () => {
    const answer = { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'm' }] };
    const bench = new Workbench({}, { events: () => answer });
    const { error, cause } = await bench.run(task('events:putEvents', { Entries: [entry] }), { n: 1 });
    expect(error).toBe('EventBridge.FailedEntry');
    expect(JSON.parse(cause!)).toEqual(answer);
    const bare = await bench.run(task('aws-sdk:eventbridge:putEvents', { Entries: [{ ...entry, Detail: '{}' }] }), {
      n: 1,
    });
    expect(bare).toMatchObject({ status: 'SUCCEEDED', output: answer });
  });
});

describe('SQS and S3', () => {
  it('sqs:sendMessage writes a JSON body as text', async () => {
    const bench = new Workbench({}, { sqs: () => ({ MessageId: 'id' }) });
    const { output } = await bench.run(
      task('sqs:sendMessage', { QueueUrl: 'q', MessageBody: { a: '{% $states.input.a %}' } }),
      { a: 1 },
    );
    expect(output).toMatchObject({ MessageId: 'id' });
    expect(bench.calls[0]!.input).toEqual({ QueueUrl: 'q', MessageBody: '{"a":1}' });
  });

  it('names the errors of the SDK with Exception at the end', async () => {
    const bench = new Workbench(
      {},
      {
        sqs: () => {
          throw new ServiceError('QueueDoesNotExist', 'no queue');
        },
      },
    );
    const message = { QueueUrl: 'q', MessageBody: 'm' };
    expect((await bench.run(task('aws-sdk:sqs:sendMessage', message))).error).toBe('Sqs.QueueDoesNotExistException');
    expect((await bench.run(task('sqs:sendMessage', message))).error).toBe('SQS.QueueDoesNotExistException');
    expect((await bench.run(task('aws-sdk:s3:getObject', { Bucket: 'b', Key: 'k' }))).error).toBe(
      'S3.NoSuchKeyException',
    );
  });

  it('carries bodies as text', async () => {
    const bench = new Workbench();
    await bench.run(task('aws-sdk:s3:putObject', { Bucket: 'b', Key: 'k', Body: { a: 1 } }));
    expect(bench.objects.get('b/k')!.toString()).toBe('{"a":1}');
    const { output } = await bench.run(
      task('aws-sdk:s3:getObject', { Bucket: 'b', Key: 'k' }, { Output: '{% $parse($states.result.Body) %}' }),
    );
    expect(output).toEqual({ a: 1 });
  });
});

describe('Athena', () => {
  const athena = (states: string[]) => {
    let asked = 0;
    return (operation: string) => {
      if (operation === 'StartQueryExecution') return { QueryExecutionId: 'q1' };
      if (operation === 'StopQueryExecution') return {};
      const State = states[Math.min(asked++, states.length - 1)];
      return { QueryExecution: { QueryExecutionId: 'q1', Status: { State, SubmissionDateTime: 1.5 } } };
    };
  };
  const query = { QueryString: 'select 1', WorkGroup: 'w' };

  it('.sync waits for the end of the query', async () => {
    const bench = new Workbench({}, { athena: athena(['QUEUED', 'RUNNING', 'SUCCEEDED']) });
    const { output, events } = await bench.run(task('athena:startQueryExecution.sync', query));
    expect(output).toMatchObject({ QueryExecution: { QueryExecutionId: 'q1', Status: { State: 'SUCCEEDED' } } });
    expect(events.slice(2, 6)).toEqual(['TaskScheduled', 'TaskStarted', 'TaskSubmitted', 'TaskSucceeded']);
  });

  it('.sync fails with States.TaskFailed', async () => {
    const bench = new Workbench({}, { athena: athena(['FAILED']) });
    const { error, cause } = await bench.run(task('athena:startQueryExecution.sync', query));
    expect(error).toBe('States.TaskFailed');
    expect(JSON.parse(cause!).QueryExecution.Status.State).toBe('FAILED');
  });

  it('.sync stops the query when it is given up', async () => {
    const bench = new Workbench({}, { athena: athena(['RUNNING']) });
    const { error } = await bench.run(task('athena:startQueryExecution.sync', query, { TimeoutSeconds: 10 }));
    expect(error).toBe('States.Timeout');
    expect(bench.calls.at(-1)).toMatchObject({ operation: 'StopQueryExecution', input: { QueryExecutionId: 'q1' } });
  });

  it('writes times as text for the SDK', async () => {
    const bench = new Workbench({}, { athena: athena(['RUNNING']) });
    const { output } = await bench.run(task('aws-sdk:athena:getQueryExecution', { QueryExecutionId: 'q1' }));
    expect(output.QueryExecution.Status.SubmissionDateTime).toBe('1970-01-01T00:00:01.500Z');
  });
});

describe('nested executions', () => {
  const child = (bench: Workbench) =>
    bench.create({
      StartAt: 'W',
      States: {
        W: { Type: 'Wait', Seconds: 5, Next: 'C' },
        C: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.fail %}', Next: 'F' }], Default: 'P' },
        F: { Type: 'Fail', Error: 'Child', Cause: 'failed' },
        P: { Type: 'Pass', Output: { doubled: '{% $states.input.n * 2 %}' }, End: true },
      },
    });
  const start = async (suffix: string, input: Json, more: Json = {}) => {
    const bench = new Workbench();
    const StateMachineArn = await child(bench);
    const result = await bench.run(
      task(`states:startExecution${suffix}`, { StateMachineArn, Input: input, Name: 'c' }, more),
    );
    return { bench, result };
  };

  it('starts without waiting', async () => {
    const { result } = await start('', { n: 1, fail: false });
    expect(result).toMatchObject({
      ms: 0,
      output: { ExecutionArn: expect.stringMatching(/:execution:m1:c$/), StartDate: Date.UTC(2026, 0, 1) },
    });
  });

  it('.sync gives the output as text, .sync:2 as JSON', async () => {
    const text = await start('.sync', { n: 2, fail: false });
    expect(text.result).toMatchObject({
      ms: 5000,
      output: { Output: '{"doubled":4}', Status: 'SUCCEEDED', Name: 'c' },
    });
    const json = await start('.sync:2', { n: 2, fail: false });
    expect(json.result.output).toMatchObject({
      Output: { doubled: 4 },
      Input: { n: 2, fail: false },
      StateMachineArn: machineArn('m1'),
    });
  });

  it('.sync fails with States.TaskFailed and the child execution as its cause', async () => {
    const { result } = await start('.sync:2', { n: 2, fail: true });
    expect(result.error).toBe('States.TaskFailed');
    expect(JSON.parse(result.cause!)).toMatchObject({ Status: 'FAILED', Error: 'Child', Cause: 'failed' });
  });

  it('.sync stops the child when it is given up', async () => {
    const { bench, result } = await start('.sync', { fail: false, n: 1 }, { TimeoutSeconds: 1 });
    expect(result.error).toBe('States.Timeout');
    const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:m1:c';
    expect((await bench.states('DescribeExecution', { executionArn })).status).toBe('ABORTED');
  });

  it('by the SDK: members in PascalCase, times as text, errors begin with Sfn', async () => {
    const bench = new Workbench();
    const StateMachineArn = await child(bench);
    const run = (name: string) =>
      bench.run(task('aws-sdk:sfn:startExecution', { StateMachineArn, Input: '{"fail":false,"n":1}', Name: name }));
    expect((await run('a')).output).toEqual({
      ExecutionArn: 'arn:aws:states:us-east-1:000000000000:execution:m1:a',
      StartDate: '2026-01-01T00:00:00.000Z',
    });
    expect((await run('a')).error).toBe('Sfn.ExecutionAlreadyExistsException');
    const optimized = await bench.run(task('states:startExecution', { StateMachineArn, Name: 'a' }));
    expect(optimized.error).toBe('StepFunctions.ExecutionAlreadyExistsException');
    const token = await bench.run(task('aws-sdk:sfn:sendTaskSuccess', { TaskToken: 'x', Output: {} }));
    expect(token.error).toBe('Sfn.InvalidTokenException');
  });
});

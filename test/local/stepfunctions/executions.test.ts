import { describe, expect, it } from 'vitest';
import type { TraceEntry } from '../../../local/cloud.ts';
import { FunctionError, functionArn, machineArn, only, ROLE, Workbench } from './workbench.ts';

const DAY = 86_400_000;
const wait = (Seconds: number) => only({ Type: 'Wait', Seconds });
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('state machines', () => {
  it('are created, described, listed, changed and deleted', async () => {
    const bench = new Workbench();
    const arn = await bench.create(wait(10), { name: 'a', tags: [{ key: 'k', value: 'v' }] });
    expect(arn).toBe(machineArn('a'));
    const before = await bench.states('DescribeStateMachine', { stateMachineArn: arn });
    expect(before).toMatchObject({
      name: 'a',
      status: 'ACTIVE',
      type: 'STANDARD',
      roleArn: ROLE,
      creationDate: 1767225600,
    });
    expect((await bench.states('ListStateMachines', {})).stateMachines).toMatchObject([
      { name: 'a', stateMachineArn: arn },
    ]);
    const { executionArn } = await bench.states('StartExecution', { stateMachineArn: arn });
    await bench.pass(0);
    const definition = JSON.stringify({ QueryLanguage: 'JSONata', ...only({ Type: 'Pass', Output: 'new' }) });
    const { revisionId } = await bench.states('UpdateStateMachine', { stateMachineArn: arn, definition });
    expect(revisionId).not.toBe(before.revisionId);
    await bench.states('DeleteStateMachine', { stateMachineArn: arn });
    expect((await bench.states('DescribeStateMachine', { stateMachineArn: arn })).status).toBe('DELETING');
    await expect(bench.states('StartExecution', { stateMachineArn: arn })).rejects.toEqual(
      code('StateMachineDeleting'),
    );
    await bench.pass(10_000);
    await expect(bench.states('DescribeStateMachine', { stateMachineArn: arn })).rejects.toEqual(
      code('StateMachineDoesNotExist'),
    );
    expect((await bench.result(executionArn)).output).toEqual({});
  });

  it('are created once: the same again answers the same, another of the name is refused', async () => {
    const bench = new Workbench();
    await bench.create(wait(1), { name: 'a' });
    expect(await bench.create(wait(1), { name: 'a' })).toBe(machineArn('a'));
    await expect(bench.create(wait(2), { name: 'a' })).rejects.toEqual(code('StateMachineAlreadyExists'));
    await expect(bench.create(wait(2), { name: 'a b' })).rejects.toMatchObject({
      code: 'InvalidName',
      message: "Invalid Name: 'a b'",
    });
    await expect(bench.create(wait(2), { publish: true })).rejects.toEqual(code('ValidationException'));
    await expect(bench.create(wait(2), { unknown: 1 })).rejects.toThrow("The parameter 'unknown' is not supported");
    await expect(bench.states('PublishStateMachineVersion', {})).rejects.toEqual(code('UnknownOperationException'));
  });

  it('are tagged', async () => {
    const bench = new Workbench();
    const resourceArn = await bench.create(wait(1));
    await bench.states('TagResource', {
      resourceArn,
      tags: [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ],
    });
    await bench.states('TagResource', { resourceArn, tags: [{ key: 'a', value: '3' }] });
    await bench.states('UntagResource', { resourceArn, tagKeys: ['b'] });
    expect((await bench.states('ListTagsForResource', { resourceArn })).tags).toEqual([{ key: 'a', value: '3' }]);
  });
});

describe('an execution name', () => {
  it('starts once with an input while it runs, and is free 90 days after the end', async () => {
    const bench = new Workbench();
    const stateMachineArn = await bench.create(wait(10));
    const start = (input = '{}') => bench.states('StartExecution', { stateMachineArn, name: 'n', input });
    const first = await start();
    await bench.pass(1000);
    expect(await start()).toEqual(first);
    await expect(start('{"other":1}')).rejects.toMatchObject({
      code: 'ExecutionAlreadyExists',
      message: `Execution Already Exists: '${first.executionArn}'`,
    });
    await bench.pass(20_000);
    await expect(start()).rejects.toEqual(code('ExecutionAlreadyExists'));
    await bench.pass(89 * DAY);
    await expect(start()).rejects.toEqual(code('ExecutionAlreadyExists'));
    await bench.pass(DAY);
    expect((await start()).startDate).toBeGreaterThan(first.startDate);
    expect((await bench.states('ListExecutions', { stateMachineArn })).executions).toHaveLength(1);
  });

  it('and its input are checked', async () => {
    const bench = new Workbench();
    const stateMachineArn = await bench.create(wait(1));
    const start = (more: object) => bench.states('StartExecution', { stateMachineArn, ...more });
    await expect(start({ name: 'a/b' })).rejects.toEqual(code('InvalidName'));
    await expect(start({ input: '{' })).rejects.toEqual(code('InvalidExecutionInput'));
    await expect(start({ input: `"${'x'.repeat(262_143)}"` })).rejects.toEqual(code('InvalidExecutionInput'));
    await expect(bench.states('StartExecution', { stateMachineArn: 'x' })).rejects.toEqual(code('InvalidArn'));
    await expect(bench.states('StartExecution', { stateMachineArn: machineArn('none') })).rejects.toEqual(
      code('StateMachineDoesNotExist'),
    );
    await expect(
      bench.states('DescribeExecution', { executionArn: 'arn:aws:states:us-east-1:000000000000:execution:m1:none' }),
    ).rejects.toEqual(code('ExecutionDoesNotExist'));
  });
});

describe('executions', () => {
  it('are listed, the latest first, by status and by page', async () => {
    const bench = new Workbench();
    const stateMachineArn = await bench.create(only({ Type: 'Wait', Seconds: '{% $states.input %}' }));
    for (const [name, input] of [
      ['a', '1'],
      ['b', '100'],
      ['c', '2'],
    ] as const) {
      await bench.states('StartExecution', { stateMachineArn, name, input });
      await bench.pass(1);
    }
    await bench.pass(5000);
    const list = async (more = {}) => await bench.states('ListExecutions', { stateMachineArn, ...more });
    const names = ({ executions }: { executions: { name: string }[] }) => executions.map(({ name }) => name);
    expect(names(await list())).toEqual(['c', 'b', 'a']);
    expect(names(await list({ statusFilter: 'RUNNING' }))).toEqual(['b']);
    const page = await list({ maxResults: 2 });
    expect(names(page)).toEqual(['c', 'b']);
    expect(names(await list({ maxResults: 2, nextToken: page.nextToken }))).toEqual(['a']);
    await expect(list({ nextToken: 'x' })).rejects.toEqual(code('InvalidToken'));
    await expect(list({ maxResults: 1001 })).rejects.toEqual(code('ValidationException'));
  });

  it('are stopped with an error and a cause, which are described and written down', async () => {
    const bench = new Workbench();
    const executionArn = await bench.start(wait(100));
    await bench.pass(5000);
    const { stopDate } = await bench.states('StopExecution', { executionArn, error: 'E', cause: 'C' });
    expect(stopDate).toBe(1767225605);
    await bench.pass(DAY);
    const stopped = await bench.result(executionArn);
    expect(stopped).toMatchObject({ status: 'ABORTED', error: 'E', cause: 'C', ms: 5000 });
    expect(stopped.history.at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      previousEventId: 0,
      executionAbortedEventDetails: { error: 'E', cause: 'C' },
    });
    expect(bench.kernel.pending()).toBe(0);
  });

  it('have a history that is read backwards, by page, and without data', async () => {
    const bench = new Workbench();
    const { arn: executionArn } = await bench.run(only({ Type: 'Pass' }), { secret: 1 });
    const get = (more: object) => bench.states('GetExecutionHistory', { executionArn, ...more });
    const first = await get({ reverseOrder: true, maxResults: 3 });
    expect(first.events.map(({ id }: { id: number }) => id)).toEqual([4, 3, 2]);
    const rest = await get({ reverseOrder: true, maxResults: 3, nextToken: first.nextToken });
    expect(rest.events).toHaveLength(1);
    expect(rest.nextToken).toBeUndefined();
    const { events } = await get({ includeExecutionData: false });
    expect(JSON.stringify(events)).not.toContain('secret');
    expect(events[1].stateEnteredEventDetails).toEqual({ name: 'S' });
  });

  it('know the state machine as it was when they started', async () => {
    const bench = new Workbench();
    const { arn: executionArn } = await bench.run(only({ Type: 'Pass' }));
    const definition = JSON.stringify({ QueryLanguage: 'JSONata', ...only({ Type: 'Succeed' }) });
    await bench.states('UpdateStateMachine', { stateMachineArn: machineArn('m1'), definition });
    const described = await bench.states('DescribeStateMachineForExecution', { executionArn });
    expect(described).toMatchObject({ stateMachineArn: machineArn('m1'), name: 'm1', roleArn: ROLE });
    expect(JSON.parse(described.definition).States.S.Type).toBe('Pass');
  });

  it('leave a trace', async () => {
    const bench = new Workbench();
    const notes: TraceEntry[] = [];
    bench.cloud.trace.subscribe((entry) => notes.push(entry));
    const { arn } = await bench.run(only({ Type: 'Pass' }));
    expect(notes.map(({ what, detail }) => [what, detail.state ?? detail.status ?? detail.execution])).toEqual([
      ['ExecutionStarted', arn],
      ['StateEntered', 'S'],
      ['ExecutionEnded', 'SUCCEEDED'],
    ]);
  });
});

describe('an Express state machine', () => {
  it('answers StartSyncExecution with the result', async () => {
    const bench = new Workbench();
    const stateMachineArn = await bench.create(only({ Type: 'Wait', Seconds: 2, Output: { done: true } }), {
      type: 'EXPRESS',
    });
    const answer = bench.states('StartSyncExecution', { stateMachineArn, name: 'n', input: '{"a":1}' });
    await bench.pass(10_000);
    expect(await answer).toMatchObject({
      executionArn: expect.stringMatching(/^arn:aws:states:us-east-1:000000000000:express:m1:n:[0-9a-f-]{36}$/),
      status: 'SUCCEEDED',
      input: '{"a":1}',
      output: '{"done":true}',
      billingDetails: { billedDurationInMilliseconds: 2000, billedMemoryUsedInMB: 64 },
    });
    const standard = await bench.create(wait(1));
    await expect(bench.states('StartSyncExecution', { stateMachineArn: standard })).rejects.toEqual(
      code('StateMachineTypeNotSupported'),
    );
  });

  it('reports a failure in the answer, and lasts five minutes at most', async () => {
    const bench = new Workbench();
    const fail = await bench.create(only({ Type: 'Fail', Error: 'E', Cause: 'C' }), { type: 'EXPRESS' });
    const failed = bench.states('StartSyncExecution', { stateMachineArn: fail });
    await bench.pass(0);
    expect(await failed).toMatchObject({ status: 'FAILED', error: 'E', cause: 'C' });
    const long = await bench.create(wait(1000), { type: 'EXPRESS' });
    const late = bench.states('StartSyncExecution', { stateMachineArn: long });
    await bench.pass(DAY);
    expect(await late).toMatchObject({ status: 'TIMED_OUT', stopDate: (await late).startDate + 300 });
  });

  it('starts a name as often as it is asked to, and is not described', async () => {
    const bench = new Workbench();
    const stateMachineArn = await bench.create(wait(1), { type: 'EXPRESS' });
    const start = () => bench.states('StartExecution', { stateMachineArn, name: 'n' });
    const [a, b] = [await start(), await start()];
    expect(a.executionArn).not.toBe(b.executionArn);
    await expect(bench.states('DescribeExecution', { executionArn: a.executionArn })).rejects.toEqual(
      code('StateMachineTypeNotSupported'),
    );
    await expect(bench.states('ListExecutions', { stateMachineArn })).rejects.toEqual(
      code('StateMachineTypeNotSupported'),
    );
  });
});

describe('a redrive', () => {
  const flaky = (failures: number) => ({
    f: (event: unknown, { attempt }: { attempt: number }) => {
      if (attempt <= failures) throw new FunctionError('Flaky', String(attempt));
      return { got: event, attempt };
    },
    ok: () => 'ok',
  });
  const call = (name: string) => ({ Type: 'Task', Resource: functionArn(name) });

  it('goes on from the state that failed, with its input and variables', async () => {
    const bench = new Workbench(flaky(1));
    const { arn, status } = await bench.run({
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { v: 'kept' }, Output: { from: 'A' }, Next: 'B' },
        B: {
          ...call('f'),
          Output: { r: '{% $states.result %}', v: '{% $v %}', n: '{% $states.context.Execution.RedriveCount %}' },
          End: true,
        },
      },
    });
    expect(status).toBe('FAILED');
    expect(await bench.states('DescribeExecution', { executionArn: arn })).toMatchObject({
      redriveStatus: 'REDRIVABLE',
      redriveCount: 0,
    });
    expect(await bench.states('RedriveExecution', { executionArn: arn })).toHaveProperty('redriveDate');
    await bench.pass(1000);
    const { output, events } = await bench.result(arn);
    expect(output).toEqual({ r: { got: { from: 'A' }, attempt: 2 }, v: 'kept', n: 1 });
    expect(events.slice(-7)).toEqual([
      'ExecutionFailed',
      'ExecutionRedriven',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('runs only the branches and iterations that did not succeed', async () => {
    const bench = new Workbench(flaky(1));
    const parallel = only({
      Type: 'Parallel',
      Branches: ['ok', 'f'].map((name) => ({ StartAt: name, States: { [name]: { ...call(name), End: true } } })),
    });
    const { arn } = await bench.run(parallel);
    await bench.states('RedriveExecution', { executionArn: arn });
    await bench.pass(0);
    expect((await bench.result(arn)).output).toEqual(['ok', { got: {}, attempt: 2 }]);
    expect(bench.calls.filter(({ input }) => input.FunctionName === functionArn('ok'))).toHaveLength(1);
  });

  it('redrives the Map Run with its unsuccessful children', async () => {
    const bench = new Workbench(flaky(2));
    const { arn, history } = await bench.run(
      only({
        Type: 'Map',
        Label: 'l',
        Items: [1, 2, 3],
        MaxConcurrency: 1,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'I',
          States: { I: { ...call('f'), End: true } },
        },
        ToleratedFailureCount: 1,
        Output: '{% $states.result.got %}',
      }),
    );
    expect(history.at(-1).executionFailedEventDetails.error).toBe('States.ExceedToleratedFailureThreshold');
    await bench.states('RedriveExecution', { executionArn: arn });
    await bench.pass(1000);
    const { output, events } = await bench.result(arn);
    expect(output).toEqual([1, 2, 3]);
    expect(events.slice(-6)).toEqual([
      'ExecutionRedriven',
      'MapRunRedriven',
      'MapRunSucceeded',
      'MapStateSucceeded',
      'MapStateExited',
      'ExecutionSucceeded',
    ]);
    const { mapRuns } = await bench.states('ListMapRuns', { executionArn: arn });
    expect(mapRuns).toHaveLength(1);
    expect(await bench.states('DescribeMapRun', { mapRunArn: mapRuns[0].mapRunArn })).toMatchObject({
      redriveCount: 1,
      status: 'SUCCEEDED',
      itemCounts: { succeeded: 3 },
    });
  });

  const loop = (turns: number) => ({
    StartAt: 'Begin',
    States: {
      Begin: { Type: 'Pass', Assign: { n: 0 }, Next: 'Turn' },
      Turn: { Type: 'Pass', Assign: { n: '{% $n + 1 %}' }, Next: 'Again' },
      Again: { Type: 'Choice', Choices: [{ Condition: `{% $n < ${turns} %}`, Next: 'Turn' }], Default: 'End' },
      End: { Type: 'Pass', Output: '{% $n %}', End: true },
    },
  });
  /** Until nothing goes on without time passing: an execution of many states waits for its next turn then. */
  const untilItPauses = async (bench: Workbench, executionArn: string) => {
    for (let before = -1, now = 0; now > before; ) {
      before = now;
      await new Promise((resolve) => setImmediate(resolve));
      now = (await bench.history(executionArn)).length;
    }
  };

  it('comes right after a stop, and what the stopped run was still about changes nothing of it', async () => {
    const bench = new Workbench();
    const executionArn = await bench.start(loop(150));
    await untilItPauses(bench, executionArn);
    await bench.states('StopExecution', { executionArn });
    await bench.states('RedriveExecution', { executionArn });
    await bench.pass(10_000);
    const { status, output, history, events } = await bench.result(executionArn);
    expect({ status, output }).toEqual({ status: 'SUCCEEDED', output: 150 });
    expect(history.map(({ id }) => id)).toEqual(history.map((_, i) => i + 1));
    expect(events.filter((type) => type === 'PassStateExited')).toHaveLength(152);
  });

  it('of a Map comes right after the failure of one child, while another was between two states', async () => {
    const bench = new Workbench(flaky(1));
    const { StartAt, States } = loop(150);
    const executionArn = await bench.start(
      only({
        Type: 'Map',
        Label: 'l',
        Items: ['loops', 'calls'],
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'Which',
          States: {
            Which: {
              Type: 'Choice',
              Choices: [{ Condition: "{% $states.input = 'loops' %}", Next: StartAt }],
              Default: 'Call',
            },
            Call: { ...call('slow'), End: true },
            ...States,
          },
        },
      }),
    );
    let fail = () => {};
    bench.handlers.slow = (_, { attempt }) =>
      attempt > 1
        ? 'ok'
        : new Promise((_, reject) => {
            fail = () => reject(new FunctionError('Flaky', '1'));
          });
    await untilItPauses(bench, executionArn);
    fail();
    await new Promise((resolve) => setImmediate(resolve));
    expect((await bench.result(executionArn)).status).toBe('FAILED');
    await bench.states('RedriveExecution', { executionArn });
    await bench.pass(10_000);
    const { status, output, error } = await bench.result(executionArn);
    expect({ status, output, error }).toEqual({ status: 'SUCCEEDED', output: [150, 'ok'], error: undefined });
  });

  it('is refused while it runs, after success, and after 14 days', async () => {
    const bench = new Workbench(flaky(9));
    const executionArn = await bench.start(wait(10));
    const redrive = () => bench.states('RedriveExecution', { executionArn });
    await expect(redrive()).rejects.toMatchObject({
      code: 'ExecutionNotRedrivable',
      message: "Execution Not Redrivable: 'Execution is RUNNING and cannot be redriven'",
    });
    await bench.pass(20_000);
    await expect(redrive()).rejects.toThrow('Execution is SUCCEEDED and cannot be redriven');
    const { arn } = await bench.run(only(call('f')));
    await bench.pass(15 * DAY);
    await expect(bench.states('RedriveExecution', { executionArn: arn })).rejects.toThrow(
      "Execution's redrivable period exceeded",
    );
  });
});

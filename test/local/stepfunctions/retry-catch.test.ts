import { describe, expect, it } from 'vitest';
import { type Json, ServiceError } from '../../../local/cloud.ts';
import { FunctionError, functionArn, only, START, Workbench } from './workbench.ts';

const INVOKE = 'arn:aws:states:::lambda:invoke';
const task = (name: string, more: Json = {}) => ({ Type: 'Task', Resource: functionArn(name), ...more });

/** When each attempt was made, in seconds from the start. */
function recorder(failures: number, error = 'Boom') {
  const at: number[] = [];
  const handler = (_event: Json, { kernel }: { kernel: { clock: { now(): number } } }) => {
    at.push((kernel.clock.now() - START) / 1000);
    if (at.length <= failures) throw new FunctionError(error, `attempt ${at.length}`);
    return 'done';
  };
  return { at, handler };
}

const attempts = async (failures: number, retry: Json, error?: string) => {
  const { at, handler } = recorder(failures, error);
  const result = await new Workbench({ f: handler }).run(only(task('f', { Retry: retry })), {}, 1e12);
  return { at, result };
};

describe('Retry', () => {
  it('waits 1 s, then twice as long each time, three times, unless told otherwise', async () => {
    const { at, result } = await attempts(9, [{ ErrorEquals: ['Boom'] }]);
    expect(at).toEqual([0, 1, 3, 7]);
    expect(result).toMatchObject({ status: 'FAILED', error: 'Boom' });
  });

  it('follows IntervalSeconds, BackoffRate and MaxAttempts', async () => {
    const { at, result } = await attempts(2, [
      { ErrorEquals: ['Boom'], IntervalSeconds: 3, BackoffRate: 1.5, MaxAttempts: 2 },
    ]);
    expect(at).toEqual([0, 3, 7.5]);
    expect(result.output).toBe('done');
    expect((await attempts(1, [{ ErrorEquals: ['Boom'], MaxAttempts: 0 }])).at).toEqual([0]);
  });

  it('waits at most MaxDelaySeconds', async () => {
    const { at } = await attempts(4, [
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, MaxAttempts: 4, MaxDelaySeconds: 5 },
    ]);
    expect(at).toEqual([0, 2, 6, 11, 16]);
  });

  it('draws a part of the pause with JitterStrategy FULL', async () => {
    const { at } = await attempts(3, [
      { ErrorEquals: ['Boom'], IntervalSeconds: 10, BackoffRate: 1, JitterStrategy: 'FULL' },
    ]);
    const pauses = at.slice(1).map((time, i) => time - at[i]!);
    expect(pauses).toHaveLength(3);
    for (const pause of pauses) expect(pause).toBeLessThan(10);
    expect(new Set(pauses).size).toBe(3);
  });

  it('takes the first retrier that names the error, and counts for each by itself', async () => {
    const errors = ['A', 'B', 'A', 'B', 'C'];
    const at: number[] = [];
    const bench = new Workbench({
      f: (_event, { attempt, kernel }) => {
        at.push((kernel.clock.now() - START) / 1000);
        throw new FunctionError(errors[attempt - 1]!, '');
      },
    });
    const { error } = await bench.run(
      only(
        task('f', {
          Retry: [
            { ErrorEquals: ['A'], IntervalSeconds: 1, BackoffRate: 3 },
            { ErrorEquals: ['B', 'X'], IntervalSeconds: 10, BackoffRate: 1 },
          ],
        }),
      ),
    );
    expect(at).toEqual([0, 1, 11, 14, 24]);
    expect(error).toBe('C');
  });

  it('counts in the context, and schedules the task anew in the history', async () => {
    const seen: Json[] = [];
    const bench = new Workbench({
      f: (event, { attempt }) => {
        seen.push(event);
        if (attempt < 3) throw new FunctionError('Boom', '');
        return 'ok';
      },
    });
    const { events } = await bench.run(
      only(
        task('f', {
          Arguments: '{% $states.context.State.RetryCount %}',
          Retry: [{ ErrorEquals: ['States.TaskFailed'] }],
        }),
      ),
    );
    expect(seen).toEqual([0, 1, 2]);
    const attempt = ['LambdaFunctionScheduled', 'LambdaFunctionStarted'];
    expect(events).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      ...attempt,
      'LambdaFunctionFailed',
      ...attempt,
      'LambdaFunctionFailed',
      ...attempt,
      'LambdaFunctionSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('never retries States.Runtime, nor States.DataLimitExceeded by a wildcard', async () => {
    const retry = [{ ErrorEquals: ['States.ALL'], MaxAttempts: 5 }];
    const runtime = await new Workbench({ f: () => 1 }).run(
      only({ Type: 'Task', Resource: INVOKE, Arguments: '{% {"Function": "f"} %}', Retry: retry }),
    );
    expect(runtime).toMatchObject({ error: 'States.Runtime', ms: 0 });
    const big = await new Workbench({ f: () => 'x'.repeat(300_000) }).run(only(task('f', { Retry: retry })));
    expect(big).toMatchObject({ error: 'States.DataLimitExceeded', ms: 0 });
    expect(big.events.filter((type) => type === 'LambdaFunctionFailed')).toHaveLength(1);
    expect(big.cause).toBe(
      `The state/task '${functionArn('f')}' returned a result with a size exceeding the maximum number of bytes service limit.`,
    );
  });

  it('retries a failed evaluation', async () => {
    const { error, ms, events } = await new Workbench({ f: () => ({}) }).run(
      only(
        task('f', {
          Output: '{% $states.result.no %}',
          Retry: [{ ErrorEquals: ['States.QueryEvaluationError'], MaxAttempts: 1 }],
        }),
      ),
    );
    expect({ error, ms }).toEqual({ error: 'States.QueryEvaluationError', ms: 1000 });
    expect(events.filter((type) => type === 'EvaluationFailed')).toHaveLength(2);
  });

  it('comes before Catch', async () => {
    const { at, handler } = recorder(9);
    const { output } = await new Workbench({ f: handler }).run({
      StartAt: 'T',
      States: {
        T: task('f', {
          Retry: [{ ErrorEquals: ['Boom'], MaxAttempts: 1 }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
          End: true,
        }),
        C: { Type: 'Pass', Output: 'caught', End: true },
      },
    });
    expect(at).toEqual([0, 1]);
    expect(output).toBe('caught');
  });
});

describe('Catch', () => {
  const caught = async (thrower: () => Json, catchers: Json, more: Json = {}, state: Json = task('f')) =>
    await new Workbench({ f: thrower }).run(
      {
        StartAt: 'T',
        States: {
          T: { ...state, Catch: catchers, End: true },
          One: { Type: 'Pass', Output: { one: '{% $states.input %}', v: '{% $exists($v) ? $v : null %}' }, End: true },
          ...more,
        },
      },
      { in: 1 },
    );
  const boom = () => {
    throw new FunctionError('Boom', 'why');
  };

  it('hands on the error output, unless Output says otherwise', async () => {
    const { output } = await caught(boom, [{ ErrorEquals: ['Boom'], Next: 'One' }]);
    expect(output).toEqual({
      one: { Error: 'Boom', Cause: '{"errorType":"Boom","errorMessage":"why","trace":[]}' },
      v: null,
    });
  });

  it('evaluates Output and Assign with $states.errorOutput and the input', async () => {
    const { output, history } = await caught(boom, [
      {
        ErrorEquals: ['Boom'],
        Next: 'One',
        Output: { input: '{% $states.input.in %}', error: '{% $states.errorOutput.Error %}' },
        Assign: { v: '{% $parse($states.errorOutput.Cause).errorMessage %}' },
      },
    ]);
    expect(output).toEqual({ one: { input: 1, error: 'Boom' }, v: 'why' });
    expect(history.find(({ type }) => type === 'TaskStateExited').stateExitedEventDetails).toMatchObject({
      assignedVariables: { v: '"why"' },
    });
  });

  it('takes the first catcher that names the error', async () => {
    const two = { Two: { Type: 'Pass', Output: 'two', End: true } };
    const catchers = [
      { ErrorEquals: ['Other'], Next: 'One' },
      { ErrorEquals: ['States.TaskFailed'], Next: 'Two' },
      { ErrorEquals: ['States.ALL'], Next: 'One' },
    ];
    expect((await caught(boom, catchers, two)).output).toBe('two');
  });

  it('States.TaskFailed takes everything but a timeout', async () => {
    const slow = { ...task('f'), TimeoutSeconds: 1 };
    const never = () => new Promise(() => {});
    const catchers = [
      { ErrorEquals: ['States.TaskFailed'], Next: 'One' },
      { ErrorEquals: ['States.Timeout'], Next: 'Two' },
    ];
    const two = { Two: { Type: 'Pass', End: true } };
    expect((await caught(never, catchers, two, slow)).output).toEqual({ Error: 'States.Timeout', Cause: '' });
  });

  it('States.ALL takes neither States.DataLimitExceeded nor States.Runtime; the former can be named', async () => {
    const big = () => 'x'.repeat(300_000);
    expect(await caught(big, [{ ErrorEquals: ['States.ALL'], Next: 'One' }])).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    });
    const named = await caught(big, [{ ErrorEquals: ['States.DataLimitExceeded'], Next: 'One' }]);
    expect(named).toMatchObject({ status: 'SUCCEEDED' });
    const broken = { Type: 'Task', Resource: INVOKE, Arguments: '{% {"Function": "f"} %}' };
    const runtime = await caught(big, [{ ErrorEquals: ['States.ALL'], Next: 'One' }], {}, broken);
    expect(runtime).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('takes a failed evaluation, with the cause as the execution would have it', async () => {
    const { output } = await caught(
      () => ({}),
      [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'One' }],
      {},
      {
        ...task('f'),
        Output: '{% $states.result.no %}',
      },
    );
    expect(output.one).toEqual({
      Error: 'States.QueryEvaluationError',
      Cause:
        "An error occurred while executing the state 'T' (entered at the event id #2). The JSONata expression '$states.result.no' specified for the field 'Output' returned nothing (undefined).",
    });
  });

  it('that fails itself fails the state', async () => {
    const { error, cause } = await caught(boom, [
      { ErrorEquals: ['Boom'], Next: 'One', Output: '{% $states.errorOutput.no %}' },
    ]);
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toContain("specified for the field 'Catch[0]/Output'");
  });

  it('takes a missing permission as States.Permissions', async () => {
    const denied = () => {
      throw new ServiceError('AccessDeniedException', 'no grant', { status: 403 });
    };
    const { output } = await caught(denied, [{ ErrorEquals: ['States.Permissions'], Next: 'One' }]);
    expect(output.one.Error).toBe('States.Permissions');
    expect(output.one.Cause).toContain('no grant');
  });
});

import { describe, expect, it } from 'vitest';
import { only, START, Workbench } from './workbench.ts';

describe('Pass and Succeed', () => {
  it('pass their input on, or their Output', async () => {
    expect((await new Workbench().run(only({ Type: 'Pass' }), { a: 1 })).output).toEqual({ a: 1 });
    expect((await new Workbench().run(only({ Type: 'Succeed' }), { a: 1 })).output).toEqual({ a: 1 });
    expect(
      (await new Workbench().run(only({ Type: 'Succeed', Output: '{% $states.input.a %}' }), { a: 1 })).output,
    ).toBe(1);
  });

  it('write the history in the real shapes', async () => {
    const { history } = await new Workbench().run(only({ Type: 'Pass', Output: { b: 2 }, Assign: { v: 1 } }), { a: 1 });
    const timestamp = START / 1000;
    const whole = { truncated: false };
    expect(history).toEqual([
      {
        id: 1,
        previousEventId: 0,
        timestamp,
        type: 'ExecutionStarted',
        executionStartedEventDetails: {
          input: '{"a":1}',
          inputDetails: whole,
          roleArn: 'arn:aws:iam::000000000000:role/machine',
        },
      },
      {
        id: 2,
        previousEventId: 0,
        timestamp,
        type: 'PassStateEntered',
        stateEnteredEventDetails: { input: '{"a":1}', inputDetails: whole, name: 'S' },
      },
      {
        id: 3,
        previousEventId: 2,
        timestamp,
        type: 'PassStateExited',
        stateExitedEventDetails: {
          assignedVariables: { v: '1' },
          assignedVariablesDetails: whole,
          name: 'S',
          output: '{"b":2}',
          outputDetails: whole,
        },
      },
      {
        id: 4,
        previousEventId: 3,
        timestamp,
        type: 'ExecutionSucceeded',
        executionSucceededEventDetails: { output: '{"b":2}', outputDetails: whole },
      },
    ]);
  });
});

describe('Assign', () => {
  it('evaluates everything with the values from before the state', async () => {
    const { output } = await new Workbench().run({
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { x: 3, a: 6 }, Next: 'B' },
        B: { Type: 'Pass', Assign: { x: '{% $a %}', nextX: '{% $x %}' }, Output: '{% $x %}', Next: 'C' },
        C: { Type: 'Pass', Output: { before: '{% $states.input %}', x: '{% $x %}', nextX: '{% $nextX %}' }, End: true },
      },
    });
    expect(output).toEqual({ before: 3, x: 6, nextX: 3 });
  });

  it('shows outer variables within, and keeps inner ones inside', async () => {
    const { output } = await new Workbench().run({
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { outer: 'o' }, Next: 'P' },
        P: {
          Type: 'Parallel',
          Branches: [
            {
              StartAt: 'B1',
              States: {
                B1: { Type: 'Pass', Assign: { inner: '{% $outer & "1" %}' }, Next: 'B2' },
                B2: { Type: 'Pass', Output: '{% $inner %}', End: true },
              },
            },
            {
              StartAt: 'C1',
              States: { C1: { Type: 'Pass', Assign: { inner: 2 }, Output: '{% $exists($inner) %}', End: true } },
            },
          ],
          Assign: { fromResult: '{% $states.result[0] %}' },
          Next: 'Z',
        },
        Z: {
          Type: 'Pass',
          Output: { result: '{% $states.input %}', v: '{% $fromResult %}', inner: '{% $exists($inner) %}' },
          End: true,
        },
      },
    });
    expect(output).toEqual({ result: ['o1', false], v: 'o1', inner: false });
  });

  it('is limited to 256 KiB a variable and an Assign', async () => {
    const { error } = await new Workbench().run(
      only({
        Type: 'Pass',
        Assign: { v: '{% $join($map($range(1, 30000, 1), function($n) { "0123456789" })) %}' },
        Output: 1,
      }),
    );
    expect(error).toBe('States.DataLimitExceeded');
  });
});

describe('Choice', () => {
  const machine = (choices: object, more: object = {}) => ({
    StartAt: 'C',
    States: {
      C: { Type: 'Choice', Choices: choices, ...more },
      Small: {
        Type: 'Pass',
        Output: { went: 'Small', input: '{% $states.input %}', v: '{% $exists($v) ? $v : "none" %}' },
        End: true,
      },
      Big: {
        Type: 'Pass',
        Output: { went: 'Big', input: '{% $states.input %}', v: '{% $exists($v) ? $v : "none" %}' },
        End: true,
      },
    },
  });
  const rules = [
    { Condition: '{% $states.input.n < 10 %}', Next: 'Small', Assign: { v: 'small' }, Output: 'chosen' },
    { Condition: '{% $states.input.n < 100 %}', Next: 'Big' },
  ];

  it('takes the first rule that holds, with its own Assign and Output', async () => {
    const bench = new Workbench();
    expect((await bench.run(machine(rules, { Default: 'Big' }), { n: 5 })).output).toEqual({
      went: 'Small',
      input: 'chosen',
      v: 'small',
    });
    expect((await bench.run(machine(rules, { Default: 'Small', Output: 'unused' }), { n: 50 })).output).toEqual({
      went: 'Big',
      input: { n: 50 },
      v: 'none',
    });
  });

  it('goes to Default with the state own Assign and Output', async () => {
    const { output } = await new Workbench().run(
      machine(rules, { Default: 'Big', Assign: { v: 'default' }, Output: '{% $states.input.n %}' }),
      { n: 500 },
    );
    expect(output).toEqual({ went: 'Big', input: 500, v: 'default' });
  });

  it('fails with States.Runtime when nothing holds and there is no Default', async () => {
    const { error, cause } = await new Workbench().run(machine(rules), { n: 500 });
    expect(error).toBe('States.Runtime');
    expect(cause).toBe(
      "An error occurred while executing the state 'C' (entered at the event id #2). Failed to transition out of the state. The state does not point to a next state.",
    );
  });

  it('wants a boolean', async () => {
    const { error, cause } = await new Workbench().run(machine([{ Condition: '{% 1 %}', Next: 'Big' }, rules[0]]), {});
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toContain("field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean'");
  });
});

describe('Wait', () => {
  it('waits seconds, given or computed', async () => {
    expect((await new Workbench().run(only({ Type: 'Wait', Seconds: 90 }))).ms).toBe(90_000);
    const computed = await new Workbench().run(
      only({ Type: 'Wait', Seconds: '{% $states.input.s * 2 %}', Output: 'up' }),
      { s: 5 },
    );
    expect(computed).toMatchObject({ ms: 10_000, output: 'up', status: 'SUCCEEDED' });
  });

  it('waits for a time, and not for one that has passed', async () => {
    const until = (Timestamp: string) => new Workbench().run(only({ Type: 'Wait', Timestamp }));
    expect((await until('2026-01-01T00:30:00Z')).ms).toBe(1_800_000);
    expect((await until('2026-01-01T02:00:00+01:00')).ms).toBe(3_600_000);
    expect((await until('2025-01-01T00:00:00Z')).ms).toBe(0);
    expect((await until('{% $fromMillis($millis() + 5000) %}')).ms).toBe(5000);
    expect((await until('{% "tomorrow" %}')).error).toBe('States.QueryEvaluationError');
  });

  it('waits longer than a timer of the operating system lasts', async () => {
    const { ms } = await new Workbench().run(only({ Type: 'Wait', Seconds: 5_000_000 }), {}, 6_000_000_000);
    expect(ms).toBe(5_000_000_000);
  });
});

describe('Fail', () => {
  it('fails the execution with its Error and Cause as they are', async () => {
    const { status, error, cause, events, history } = await new Workbench().run(
      only({ Type: 'Fail', Error: 'Custom', Cause: '{% "because of " & $states.input.why %}' }),
      { why: 'this' },
    );
    expect({ status, error, cause }).toEqual({ status: 'FAILED', error: 'Custom', cause: 'because of this' });
    expect(events).toEqual(['ExecutionStarted', 'FailStateEntered', 'ExecutionFailed']);
    expect(history[2].executionFailedEventDetails).toEqual({ error: 'Custom', cause: 'because of this' });
  });

  it('needs neither', async () => {
    const { status, error, cause } = await new Workbench().run(only({ Type: 'Fail' }));
    expect({ status, error, cause }).toEqual({ status: 'FAILED', error: undefined, cause: undefined });
  });
});

describe('limits', () => {
  it('a state gives at most 256 KiB', async () => {
    const { error, cause } = await new Workbench().run(
      only({ Type: 'Pass', Output: '{% $map($range(1, 30000, 1), function($n) { "0123456789" }) %}' }),
    );
    expect(error).toBe('States.DataLimitExceeded');
    expect(cause).toBe(
      "The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit.",
    );
  });

  it('a history has at most 25,000 events', async () => {
    const { error, cause, history } = await new Workbench().run(
      {
        StartAt: 'A',
        States: {
          A: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.stop %}', Next: 'End' }], Default: 'A' },
          End: { Type: 'Succeed' },
        },
      },
      { stop: false },
    );
    expect(error).toBe('States.Runtime');
    expect(cause).toBe('The execution reached the maximum number of history events (25000).');
    expect(history).toHaveLength(25_000);
  });

  it('a state machine has a time of its own', async () => {
    const { status, error, cause, ms, history } = await new Workbench().run({
      ...only({ Type: 'Wait', Seconds: 100 }),
      TimeoutSeconds: 30,
    });
    expect({ status, error, cause, ms }).toEqual({
      status: 'TIMED_OUT',
      error: undefined,
      cause: undefined,
      ms: 30_000,
    });
    expect(history.at(-1)).toMatchObject({
      type: 'ExecutionTimedOut',
      previousEventId: 0,
      executionTimedOutEventDetails: { error: 'States.Timeout' },
    });
  });

  it('makes at least 5,000 transitions a second of one core', async () => {
    const bench = new Workbench();
    const machine = {
      StartAt: 'Set',
      States: {
        Set: { Type: 'Pass', Assign: { i: 0 }, Next: 'Add' },
        Add: { Type: 'Pass', Assign: { i: '{% $i + 1 %}' }, Output: { last: '{% $i %}' }, Next: 'More' },
        More: { Type: 'Choice', Choices: [{ Condition: '{% $i < 3000 %}', Next: 'Add' }], Default: 'Done' },
        Done: { Type: 'Succeed' },
      },
    };
    await bench.run(machine);
    const before = process.cpuUsage();
    expect((await bench.run(machine)).output).toEqual({ last: 2999 });
    const { user, system } = process.cpuUsage(before);
    expect(6001 / ((user + system) / 1e6)).toBeGreaterThan(5000);
  });
});

import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { only, output, START, Workbench } from './workbench.ts';

const evaluate = async (expression: string, input: Json = {}) =>
  await new Workbench().run(output(`{% ${expression} %}`), input);
const value = async (expression: string, input: Json = {}) => {
  const result = await evaluate(expression, input);
  expect(result.cause).toBeUndefined();
  return result.output;
};

const PREFIX = "An error occurred while executing the state 'S' (entered at the event id #2). ";

describe('the functions that Step Functions adds to JSONata', () => {
  it('$partition splits an array into chunks, the last one with the remainder', async () => {
    expect(await value('$partition([1,2,3,4,5], 2)')).toEqual([[1, 2], [3, 4], [5]]);
    expect(await value('$partition($states.input.a, 2.9)', { a: [1, 2, 3] })).toEqual([[1, 2], [3]]);
  });

  it('$range gives both ends, by steps of either sign', async () => {
    expect(await value('$range(0, 10, 5)')).toEqual([0, 5, 10]);
    expect(await value('$range(1, 9, 4)')).toEqual([1, 5, 9]);
    expect(await value('$range(3, 0, -2)')).toEqual([3, 1]);
    expect(await value('$range(2, 2, 1)')).toBe(2);
  });

  it('gives nothing for a range against its step and for chunks of zero, which fails the field', async () => {
    for (const expression of [
      '$range(0, 4, -1)',
      '$range(0, 4)',
      '$partition([1], 0)',
      '$partition([], 2)',
      '$hash("a")',
    ]) {
      const { error, cause } = await evaluate(expression);
      expect(error).toBe('States.QueryEvaluationError');
      expect(cause).toContain('returned nothing (undefined).');
    }
  });

  it('$hash digests with the five algorithms', async () => {
    expect(await value('$hash("input data", "SHA-1")')).toBe('aaff4a450a104cd177d28d18d74485e8cae074b7');
    expect(await value('$hash("a", "MD5")')).toBe('0cc175b9c0f1b6a831c399e269772661');
    expect(await value('$length($hash("a", "SHA-384"))')).toBe(96);
    expect((await evaluate('$hash("a", "sha-1")')).error).toBe('States.QueryEvaluationError');
  });

  it('$random is in [0, 1), and the same for the same seed', async () => {
    const [plain, first, second, other] = await value('[$random(), $random(42), $random(42), $random(43)]');
    expect(plain).toBeGreaterThanOrEqual(0);
    expect(plain).toBeLessThan(1);
    expect(first).toBe(second);
    expect(first).not.toBe(other);
  });

  it('$uuid gives a version 4 UUID from the seeded kernel', async () => {
    const uuid = await value('$uuid()');
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await value('$uuid()')).toBe(uuid);
    expect(await value('$shuffle([1,2,3,4,5,6])')).toEqual(await value('$shuffle([1,2,3,4,5,6])'));
  });

  it('$parse reads JSON', async () => {
    expect(await value('$parse($states.input.text).b[1]', { text: '{"b":[1,{"c":2}]}' })).toEqual({ c: 2 });
    expect((await evaluate('$parse("{")')).error).toBe('States.QueryEvaluationError');
  });

  it('has no $eval, which is refused with the definition', async () => {
    await expect(evaluate('$eval("1+1")')).rejects.toMatchObject({ code: 'InvalidDefinition' });
  });

  it('reads the machine clock', async () => {
    expect(await value('$millis()')).toBe(START);
    expect(await value('$now()')).toBe('2026-01-01T00:00:00.000Z');
    expect(await value('$now("[Y]/[M01]")')).toBe('2026/01');
  });
});

describe('what an expression gives', () => {
  it('is JSON wherever it stands, at any depth', async () => {
    const { output: result } = await new Workbench().run(
      output({ a: '{% $states.input.x + 1 %}', b: [{ c: '{% $states.input.y %}' }, 'plain'], 'd e': null }),
      { x: 1, y: [true] },
    );
    expect(result).toEqual({ a: 2, b: [{ c: [true] }, 'plain'], 'd e': null });
  });

  it('keeps null, arrays of one, and unwraps sequences as JSONata does', async () => {
    expect(await value('$states.input.n', { n: null })).toBeNull();
    expect(await value('$states.input.a', { a: [1] })).toEqual([1]);
    expect(await value('$states.input.a[v=1].v', { a: [{ v: 1 }, { v: 2 }] })).toBe(1);
    expect(await value('$states.input.a[v=1].v[]', { a: [{ v: 1 }, { v: 2 }] })).toEqual([1]);
  });

  it('names a number that JSON cannot hold', async () => {
    expect(await value('[1/0, 0/0]')).toEqual(['Infinity', 'NaN']);
  });

  it('drops undefined members of an object that JSONata itself builds', async () => {
    expect(await value('{"a": 1, "b": $states.input.missing}')).toEqual({ a: 1 });
  });

  it('fails when it is nothing, naming expression and field', async () => {
    const { status, error, cause, history } = await new Workbench().run(
      output({ a: { b: ['{% $states.input.no %}'] } }),
    );
    expect(status).toBe('FAILED');
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toBe(
      `${PREFIX}The JSONata expression '$states.input.no' specified for the field 'Output/a/b[0]' returned nothing (undefined).`,
    );
    expect(history[2]).toMatchObject({
      type: 'EvaluationFailed',
      previousEventId: 2,
      evaluationFailedEventDetails: {
        error: 'States.QueryEvaluationError',
        location: 'Output/a/b[0]',
        state: 'S',
        cause,
      },
    });
    expect(history[3]).toMatchObject({ type: 'ExecutionFailed', previousEventId: 3 });
  });

  it('fails when it throws, with JSONata code and message', async () => {
    const { cause } = await evaluate('1 + "a"');
    expect(cause).toBe(
      `${PREFIX}The JSONata expression '1 + "a"' specified for the field 'Output' threw an error during evaluation. T2002: The right side of the "+" operator must evaluate to a number`,
    );
  });

  it('fails when it is a function', async () => {
    const { cause } = await evaluate('function($x) { $x }');
    expect(cause).toContain("specified for the field 'Output' returned an unsupported result type.");
    expect((await evaluate('{"f": $sum}')).error).toBe('States.QueryEvaluationError');
  });

  it('fails when it has another type than its field', async () => {
    const wrong = await new Workbench().run(only({ Type: 'Wait', Seconds: '{% "five" %}' }));
    expect(wrong.cause).toBe(
      `${PREFIX}The JSONata expression '"five"' specified for the field 'Seconds' returned an unexpected result type. Expected 'number', but was 'string' for value: "five"`,
    );
    const half = await new Workbench().run(only({ Type: 'Wait', Seconds: '{% 1.5 %}' }));
    expect(half.cause).toBe(`${PREFIX}The Seconds field cannot be parsed as an integer: 1.5`);
  });

  it('is stopped when it nests too deep or does not end', async () => {
    const terms = (count: number) => Array.from({ length: count }, () => '1').join('+');
    expect(await value(terms(100))).toBe(100);
    expect((await evaluate(terms(101))).cause).toContain('Depth=101 max=100');
    const recursive = '($f := function($n) { $n <= 0 ? 0 : 1 + $f($n - 1) }; $f(1000000))';
    expect((await evaluate(recursive)).cause).toContain('U1001');
    expect(await value('($f := function($n) { $n <= 0 ? 0 : 1 + $f($n - 1) }; $f(20))')).toBe(20);
  });

  it('sees the context object', async () => {
    const bench = new Workbench();
    const { output: context, arn } = await bench.run(output('{% $states.context %}'), { some: 'input' });
    expect(context).toEqual({
      Execution: {
        Id: arn,
        Input: { some: 'input' },
        Name: arn.split(':').at(-1),
        RoleArn: 'arn:aws:iam::000000000000:role/machine',
        StartTime: '2026-01-01T00:00:00.000Z',
        RedriveCount: 0,
      },
      State: { EnteredTime: '2026-01-01T00:00:00.000Z', Name: 'S', RetryCount: 0 },
      StateMachine: { Id: 'arn:aws:states:us-east-1:000000000000:stateMachine:m1', Name: 'm1' },
    });
  });
});

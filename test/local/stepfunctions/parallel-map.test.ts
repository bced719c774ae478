import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { FunctionError, functionArn, only, Workbench } from './workbench.ts';

const branch = (name: string, state: Json) => ({ StartAt: name, States: { [name]: { ...state, End: true } } });
const wait = (name: string, Seconds: number, Output: Json = name) => branch(name, { Type: 'Wait', Seconds, Output });
const call = (name: string, handler: string) => branch(name, { Type: 'Task', Resource: functionArn(handler) });

describe('Parallel', () => {
  it('gives the outputs in the order of the branches, after the slowest', async () => {
    const { output, ms, events } = await new Workbench().run(
      only({ Type: 'Parallel', Branches: [wait('A', 5), wait('B', 1), branch('C', { Type: 'Pass' })] }),
      { in: 1 },
    );
    expect(output).toEqual(['A', 'B', { in: 1 }]);
    expect(ms).toBe(5000);
    expect(events).toEqual([
      'ExecutionStarted',
      'ParallelStateEntered',
      'ParallelStateStarted',
      'WaitStateEntered',
      'WaitStateEntered',
      'PassStateEntered',
      'PassStateExited',
      'WaitStateExited',
      'WaitStateExited',
      'ParallelStateSucceeded',
      'ParallelStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('hands its Arguments to every branch, and evaluates Output with all results', async () => {
    const { output } = await new Workbench().run(
      only({
        Type: 'Parallel',
        Arguments: { n: '{% $states.input.n + 1 %}' },
        Branches: [branch('A', { Type: 'Pass', Output: '{% $states.input.n * 10 %}' }), branch('B', { Type: 'Pass' })],
        Output: { sum: '{% $states.result[0] + $states.result[1].n %}', was: '{% $states.input.n %}' },
      }),
      { n: 1 },
    );
    expect(output).toEqual({ sum: 22, was: 1 });
  });

  it('chains the events of each branch from its start', async () => {
    const { history } = await new Workbench().run(only({ Type: 'Parallel', Branches: [wait('A', 2), wait('B', 1)] }));
    const previous = (type: string) =>
      history.filter((event) => event.type === type).map((event) => event.previousEventId);
    expect(previous('WaitStateEntered')).toEqual([3, 3]);
    expect(history.slice(5)).toMatchObject([
      { id: 6, type: 'WaitStateExited', previousEventId: 5 },
      { id: 7, type: 'WaitStateExited', previousEventId: 4 },
      { id: 8, type: 'ParallelStateSucceeded', previousEventId: 7 },
      { id: 9, type: 'ParallelStateExited', previousEventId: 8 },
      { id: 10, type: 'ExecutionSucceeded', previousEventId: 9 },
    ]);
  });

  const failing = {
    boom: async (_event: Json, { kernel }: { kernel: { scheduler: { sleep(ms: number): Promise<void> } } }) => {
      await kernel.scheduler.sleep(1000);
      throw new FunctionError('Boom', 'b');
    },
  };

  it('stops the other branches when one fails, and fails with its error', async () => {
    const { status, error, ms, events } = await new Workbench(failing).run(
      only({ Type: 'Parallel', Branches: [wait('A', 60), call('B', 'boom')] }),
    );
    expect({ status, error, ms }).toEqual({ status: 'FAILED', error: 'Boom', ms: 1000 });
    expect(events.slice(-5)).toEqual([
      'LambdaFunctionFailed',
      'TaskStateAborted',
      'WaitStateAborted',
      'ParallelStateFailed',
      'ExecutionFailed',
    ]);
  });

  it('is retried and caught as a whole', async () => {
    const bench = new Workbench(failing);
    const { output, ms, events } = await bench.run({
      StartAt: 'P',
      States: {
        P: {
          Type: 'Parallel',
          Branches: [wait('A', 60), call('B', 'boom')],
          Retry: [{ ErrorEquals: ['Boom'], MaxAttempts: 1, IntervalSeconds: 2 }],
          Catch: [{ ErrorEquals: ['States.BranchFailed'], Next: 'C' }],
          End: true,
        },
        C: { Type: 'Pass', Output: '{% $states.input.Error %}', End: true },
      },
    });
    expect({ output, ms }).toEqual({ output: 'Boom', ms: 4000 });
    expect(events.filter((type) => type === 'ParallelStateStarted')).toHaveLength(2);
  });

  it('names the state within that failed', async () => {
    const { cause } = await new Workbench().run(
      only({ Type: 'Parallel', Branches: [branch('In', { Type: 'Pass', Output: '{% $states.input.no %}' })] }),
    );
    expect(cause).toMatch(
      /^An error occurred while executing the state 'In' \(entered at the event id #4\)\. The JSONata/,
    );
    expect(cause!.match(/An error occurred/g)).toHaveLength(1);
  });
});

describe('Map, inline', () => {
  const each = (state: Json, more: Json = {}) => only({ Type: 'Map', ItemProcessor: branch('I', state), ...more });

  it('runs its processor for every item, of Items or of the input', async () => {
    const bench = new Workbench();
    const double = { Type: 'Pass', Output: '{% $states.input * 2 %}' };
    expect((await bench.run(each(double), [1, 2, 3])).output).toEqual([2, 4, 6]);
    expect((await bench.run(each(double, { Items: '{% $states.input.list %}' }), { list: [4] })).output).toEqual([8]);
    expect((await bench.run(each(double, { Items: [1, '{% $states.input.n %}'] }), { n: 5 })).output).toEqual([2, 10]);
    expect((await bench.run(each(double), [])).output).toEqual([]);
  });

  it('selects what an iteration gets, with index and value from the context', async () => {
    const { output } = await new Workbench().run(
      each(
        { Type: 'Pass', Output: { got: '{% $states.input %}', index: '{% $states.context.Map.Item.Index %}' } },
        {
          Items: '{% $states.input.list %}',
          ItemSelector: {
            i: '{% $states.context.Map.Item.Index %}',
            v: '{% $states.context.Map.Item.Value %}',
            all: '{% $states.input.x %}',
          },
        },
      ),
      { list: ['a', 'b'], x: 'X' },
    );
    expect(output).toEqual([
      { got: { i: 0, v: 'a', all: 'X' }, index: 0 },
      { got: { i: 1, v: 'b', all: 'X' }, index: 1 },
    ]);
  });

  it('iterates over the members of an object', async () => {
    const { output } = await new Workbench().run(
      each({ Type: 'Pass', Output: '{% $states.input %}' }, { Items: '{% $states.input %}' }),
      { a: 1, b: [2] },
    );
    expect(output).toEqual([
      { Key: 'a', Value: 1 },
      { Key: 'b', Value: [2] },
    ]);
  });

  it('writes the events of iterations', async () => {
    const { history } = await new Workbench().run(each({ Type: 'Pass' }, { MaxConcurrency: 1 }), ['a', 'b']);
    expect(history.map(({ type, previousEventId }) => [type, previousEventId])).toEqual([
      ['ExecutionStarted', 0],
      ['MapStateEntered', 0],
      ['MapStateStarted', 2],
      ['MapIterationStarted', 3],
      ['PassStateEntered', 4],
      ['PassStateExited', 5],
      ['MapIterationSucceeded', 6],
      ['MapIterationStarted', 3],
      ['PassStateEntered', 8],
      ['PassStateExited', 9],
      ['MapIterationSucceeded', 10],
      ['MapStateSucceeded', 11],
      ['MapStateExited', 12],
      ['ExecutionSucceeded', 13],
    ]);
    expect(history[2].mapStateStartedEventDetails).toEqual({ length: 2 });
    expect(history[3].mapIterationStartedEventDetails).toEqual({ index: 0, name: 'S' });
  });

  it('runs MaxConcurrency at once; 40 without', async () => {
    const time = async (MaxConcurrency: Json, count: number) =>
      (
        await new Workbench().run(
          each({ Type: 'Wait', Seconds: 1 }, { MaxConcurrency }),
          Array.from({ length: count }, () => 0),
        )
      ).ms;
    expect(await time(1, 4)).toBe(4000);
    expect(await time('{% 2 %}', 4)).toBe(2000);
    expect(await time(0, 40)).toBe(1000);
    expect(await time(0, 41)).toBe(2000);
  });

  it('fails with the first iteration that fails, and stops the others', async () => {
    const bench = new Workbench({
      f: async (event, { kernel }) => {
        await kernel.scheduler.sleep(event * 1000);
        if (event === 2) throw new FunctionError('Two', 'x');
        return event;
      },
    });
    const { error, ms, history } = await bench.run(each({ Type: 'Task', Resource: functionArn('f') }), [1, 2, 3]);
    expect({ error, ms }).toEqual({ error: 'Two', ms: 2000 });
    expect(history.slice(-6).map(({ type }) => type)).toEqual([
      'TaskStateAborted',
      'MapIterationFailed',
      'TaskStateAborted',
      'MapIterationAborted',
      'MapStateFailed',
      'ExecutionFailed',
    ]);
    expect(history.find(({ type }) => type === 'MapIterationFailed').mapIterationFailedEventDetails).toEqual({
      index: 1,
      name: 'S',
    });
  });

  it('wants an array', async () => {
    const { error, cause } = await new Workbench().run(each({ Type: 'Pass' }, { Items: '{% 5 %}' }));
    expect(error).toBe('States.QueryEvaluationError');
    expect(cause).toContain(
      "field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for value: 5",
    );
  });

  it('nests, each with its own item', async () => {
    const inner = {
      Type: 'Map',
      ItemProcessor: branch('J', { Type: 'Pass', Output: '{% [$states.context.Map.Item.Index, $states.input] %}' }),
    };
    const { output } = await new Workbench().run(each(inner), [['a'], ['b', 'c']]);
    expect(output).toEqual([
      [[0, 'a']],
      [
        [0, 'b'],
        [1, 'c'],
      ],
    ]);
  });
});

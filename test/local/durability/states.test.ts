import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createCloud, type Json, ROOT, ServiceError } from '../../../local/cloud.ts';
import { journalFile } from '../../../local/host/journal-file.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createLambda } from '../../../local/lambda/lambda.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';
import { createStepFunctions } from '../../../local/stepfunctions/service.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-kept-states-'));
afterAll(() => rmSync(folder, { recursive: true }));

const roleArn = 'arn:aws:iam::000000000000:role/machine';
const functionArn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const START = Date.UTC(2026, 0, 1);

/** States of every kind, one after the other; `double` fails at first, so that a retry is under way at some instant. */
const DEFINITION = {
  QueryLanguage: 'JSONata',
  StartAt: 'Begin',
  States: {
    Begin: { Type: 'Pass', Assign: { id: '{% $states.input.id %}', chance: '{% $random() %}' }, Next: 'Choose' },
    Choose: { Type: 'Choice', Choices: [{ Condition: '{% $id = 7 %}', Next: 'Pause' }], Default: 'Wrong' },
    Wrong: { Type: 'Fail' },
    Pause: { Type: 'Wait', Seconds: 10, Next: 'Double' },
    Double: {
      Type: 'Task',
      Resource: functionArn('double'),
      Arguments: { n: '{% $id %}' },
      Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 2 }],
      Assign: { doubled: '{% $states.result %}' },
      Next: 'Caught',
    },
    Caught: {
      Type: 'Task',
      Resource: functionArn('broken'),
      Catch: [{ ErrorEquals: ['Broken'], Next: 'Side by side', Assign: { caught: '{% $states.errorOutput.Error %}' } }],
      Next: 'Wrong',
    },
    'Side by side': {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Left', States: { Left: { Type: 'Wait', Seconds: 3, Output: 'left', End: true } } },
        {
          StartAt: 'Right',
          States: {
            Right: { Type: 'Task', Resource: functionArn('double'), Arguments: { n: 1 }, Next: 'Further' },
            Further: { Type: 'Pass', Output: "{% 'right ' & $states.input %}", End: true },
          },
        },
      ],
      Assign: { both: '{% $states.result %}' },
      Next: 'Each',
    },
    Each: {
      Type: 'Map',
      Items: '{% [1, 2, 3] %}',
      MaxConcurrency: 2,
      ItemProcessor: {
        StartAt: 'One',
        States: {
          One: { Type: 'Task', Resource: functionArn('double'), Arguments: { n: '{% $states.input %}' }, End: true },
        },
      },
      Assign: { each: '{% $states.result %}' },
      Next: 'Many',
    },
    Many: {
      Type: 'Map',
      Items: '{% [10, 20, 30] %}',
      MaxConcurrency: 2,
      Label: 'Many',
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Rest',
        States: {
          Rest: { Type: 'Wait', Seconds: 1, Next: 'Some' },
          Some: { Type: 'Task', Resource: functionArn('double'), Arguments: { n: '{% $states.input %}' }, End: true },
        },
      },
      Assign: { many: '{% $states.result %}' },
      Next: 'Light',
    },
    Light: {
      Type: 'Map',
      Items: '{% [1, 2, 3, 5, 6] %}',
      MaxConcurrency: 2,
      Label: 'Light',
      ItemBatcher: { MaxItemsPerBatch: 2 },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
        StartAt: 'Rest2',
        States: {
          Rest2: { Type: 'Wait', Seconds: 1, Next: 'Sum' },
          Sum: {
            Type: 'Task',
            Resource: functionArn('double'),
            Arguments: { n: '{% $sum($states.input.Items) %}' },
            End: true,
          },
        },
      },
      Assign: { light: '{% $states.result %}' },
      Next: 'Ask',
    },
    Ask: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
      Arguments: {
        QueueUrl: 'http://127.0.0.1/000000000000/questions',
        MessageBody: '{% $states.context.Task.Token %}',
      },
      Assign: { answer: '{% $states.result %}' },
      Next: 'Within',
    },
    Within: {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      Arguments: {
        StateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:inner',
        Name: '{% $states.context.Execution.Name %}',
        Input: '{% {"n": $id} %}',
      },
      Output: {
        doubled: '{% $doubled %}',
        caught: '{% $caught %}',
        both: '{% $both %}',
        each: '{% $each %}',
        many: '{% $many %}',
        light: '{% $light %}',
        answer: '{% $answer %}',
        inner: '{% $states.result.Output %}',
      },
      End: true,
    },
  },
};
const INNER = {
  QueryLanguage: 'JSONata',
  StartAt: 'Rest',
  States: { Rest: { Type: 'Wait', Seconds: 2, Output: '{% $states.input.n + 1 %}', End: true } },
};
const OUTPUT = {
  doubled: 14,
  caught: 'Broken',
  both: ['left', 'right 2'],
  each: [2, 4, 6],
  many: [20, 40, 60],
  light: [6, 16, 12],
  answer: 'yes',
  inner: 8,
};

/** The services on a journal, at a time; `calls` counts what the functions were called with. */
async function open(path: string, startMs: number, failures: { left: number }) {
  const kernel = virtualKernel({ seed: startMs % 1000, startMs });
  const cloud = createCloud(kernel);
  const journal = journalFile(path);
  const lambda = createLambda(cloud, { journal });
  createSqs(cloud, { journal });
  createStepFunctions(cloud, { journal });
  lambda.registerInProcess('double', ({ n }: Json) => {
    if (n === 7 && failures.left-- > 0) throw new Error('not yet');
    return n * 2;
  });
  lambda.registerInProcess('broken', () => {
    throw Object.assign(new Error('it is'), { name: 'Broken' });
  });
  journal.open();
  const call = (service: 'states' | 'sqs', operation: string, input: Json): Promise<Json> =>
    cloud.call(ROOT, service, operation, input);
  /** Someone who answers each question that comes up. */
  const answer = async () => {
    const QueueUrl = 'http://127.0.0.1/000000000000/questions';
    const { Messages = [] } = await call('sqs', 'ReceiveMessage', { QueueUrl });
    for (const { Body: taskToken, ReceiptHandle } of Messages) {
      try {
        await call('states', 'SendTaskSuccess', { taskToken, output: '"yes"' });
      } catch (error) {
        // A question that was put twice: the first answer counts.
        if (!(error instanceof ServiceError) || !/TaskTimedOut|InvalidToken/.test(error.code)) throw error;
      }
      await call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle });
    }
  };
  const run = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 5) {
      await kernel.run(kernel.clock.now() + 5_000);
      const answering = answer().catch((error) => error);
      await kernel.run(kernel.clock.now() + 1);
      expect(await answering).toBeUndefined();
    }
  };
  return { kernel, journal, call, run, answer };
}

const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:outer:one';

async function outcome(call: (service: 'states', operation: string, input: Json) => Promise<Json>) {
  const { status, output, error, cause } = await call('states', 'DescribeExecution', { executionArn });
  const { events } = await call('states', 'GetExecutionHistory', { executionArn, maxResults: 1000 });
  return { status, output: output && JSON.parse(output), error, cause, events };
}

it('an execution that is cut off after any line of the journal comes to the same end', {
  timeout: 120_000,
}, async () => {
  const whole = join(folder, 'whole.jsonl');
  const first = await open(whole, START, { left: 1 });
  first.journal.resume();
  await first.call('sqs', 'CreateQueue', { QueueName: 'questions', Attributes: { VisibilityTimeout: '5' } });
  for (const [name, definition] of [
    ['inner', INNER],
    ['outer', DEFINITION],
  ] as const) {
    await first.call('states', 'CreateStateMachine', { name, roleArn, definition: JSON.stringify(definition) });
  }
  const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:outer';
  await first.call('states', 'StartExecution', { stateMachineArn, name: 'one', input: '{"id":7}' });
  const begun = readFileSync(whole, 'utf8').split('\n').length;
  await first.run(120);
  const uninterrupted = await outcome(first.call);
  expect(uninterrupted).toMatchObject({ status: 'SUCCEEDED', output: OUTPUT });
  first.journal.close();

  const lines = readFileSync(whole, 'utf8').split('\n');
  expect(lines.length).toBeGreaterThan(60);
  const entered = (events: Json[]) => events.flatMap((event) => event.stateEnteredEventDetails?.name ?? []).sort();
  for (let kept = begun - 1; kept < lines.length; kept++) {
    const path = join(folder, 'cut.jsonl');
    writeFileSync(
      path,
      lines
        .slice(0, kept)
        .map((line) => `${line}\n`)
        .join(''),
    );
    const { journal, call, run, answer } = await open(path, START + 60_000, { left: kept % 2 });
    if (kept % 3 === 0) await answer(); // before anything is taken up
    journal.resume();
    await run(120);
    const { events, ...rest } = await outcome(call);
    expect(rest, `cut off after line ${kept}: ${lines[kept - 1]?.slice(0, 300)}`).toEqual({
      status: 'SUCCEEDED',
      output: OUTPUT,
      error: undefined,
      cause: undefined,
    });
    expect(events.map(({ id }: Json) => id)).toEqual(events.map((_: Json, i: number) => i + 1));
    // A state that was left is not entered again.
    expect(entered(events)).toEqual(entered(uninterrupted.events));
    const { mapRuns } = await call('states', 'ListMapRuns', { executionArn });
    expect(mapRuns).toHaveLength(2);
    for (const { mapRunArn } of mapRuns) {
      const { executionCounts, redriveCount } = await call('states', 'DescribeMapRun', { mapRunArn });
      expect([executionCounts.succeeded, executionCounts.total, redriveCount]).toEqual([3, 3, 0]);
    }
    journal.close();
    // And what was written since can be read again.
    const again = await open(path, START + 600_000, { left: 0 });
    expect((await outcome(again.call)).output).toEqual(OUTPUT);
    again.journal.close();
  }
});

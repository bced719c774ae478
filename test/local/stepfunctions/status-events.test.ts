import { expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { createEventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { only, Workbench } from './workbench.ts';

/** A machine's status changes, as a rule of the default bus hands them to a queue. */
async function statusChanges(run: (bench: Workbench) => Promise<void>): Promise<Json[]> {
  const heard: Json[] = [];
  const bench = new Workbench(
    {},
    {
      sqs: (operation, input) => {
        if (operation === 'SendMessage') heard.push(JSON.parse(input.MessageBody));
        return { MessageId: '1', MD5OfMessageBody: '' };
      },
    },
  );
  createEventBridge(bench.cloud);
  const events = (operation: string, input: Json) =>
    bench.cloud.call({ principal: 'root' }, 'events', operation, input);
  await events('PutRule', { Name: 'ended', EventPattern: JSON.stringify({ source: ['aws.states'] }) });
  await events('PutTargets', {
    Rule: 'ended',
    Targets: [{ Id: '1', Arn: 'arn:aws:sqs:us-east-1:000000000000:heard' }],
  });
  await run(bench);
  await bench.pass(1000);
  return heard;
}

it('an execution tells the default bus that it runs, and how it ended', async () => {
  const heard = await statusChanges(async (bench) => {
    const arn = await bench.create(only({ Type: 'Fail', Error: 'Broken', Cause: 'on purpose' }), { name: 'm' });
    await bench.states('StartExecution', { stateMachineArn: arn, name: 'one', input: '{"a":1}' });
  });
  expect(heard.map(({ detail }) => detail.status)).toEqual(['RUNNING', 'FAILED']);
  expect(heard[1]).toMatchObject({
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    resources: [heard[1].detail.executionArn],
    detail: {
      name: 'one',
      input: '{"a":1}',
      inputDetails: { included: true },
      output: null,
      error: 'Broken',
      cause: 'on purpose',
    },
  });
});

it('a stop and a redrive are changes too, and an output that is too large is left out', async () => {
  const heard = await statusChanges(async (bench) => {
    const waiting = await bench.create(only({ Type: 'Wait', Seconds: 60 }), { name: 'waits' });
    const { executionArn } = await bench.states('StartExecution', { stateMachineArn: waiting });
    await bench.pass(0);
    await bench.states('StopExecution', { executionArn, cause: 'enough' });
    await bench.states('RedriveExecution', { executionArn });
    await bench.pass(61_000);
    const large = await bench.create(only({ Type: 'Pass', Output: '{% $pad("", 254000, "x") %}' }), { name: 'large' });
    await bench.states('StartExecution', { stateMachineArn: large });
    await bench.pass(0);
  });
  expect(heard.map(({ detail }) => detail.status)).toEqual([
    'RUNNING',
    'ABORTED',
    'RUNNING',
    'SUCCEEDED',
    'RUNNING',
    'SUCCEEDED',
  ]);
  expect(heard[1].detail).toMatchObject({ cause: 'enough' });
  expect(heard.at(-1).detail).toMatchObject({ output: null, outputDetails: { included: false } });
});

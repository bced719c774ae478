import { beforeEach, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { createEventBridge, type EventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { eventBridgeResources } from '../../../local/eventbridge/resources.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';

let cloud: Cloud;
let events: EventBridge;

beforeEach(() => {
  cloud = createCloud(virtualKernel({ seed: 1 }));
  events = createEventBridge(cloud);
});

const create = (type: string, properties: Json, generatedName = 'Bank-Rule-1A2B') => {
  const provider = eventBridgeResources.find((one) => one.type === type);
  if (provider === undefined) throw new Error(`no ${type}`);
  const context = { cloud, stackName: 'Bank', logicalId: 'Rule', generatedName, assetPath: () => '', caller: ROOT };
  return provider.create(properties, context);
};

it('makes a bus with its rules, twice the same', async () => {
  for (const _ of [1, 2]) {
    const bus = await create('AWS::Events::EventBus', { Name: 'bank' });
    expect(bus).toEqual({
      ref: 'bank',
      attributes: { Arn: 'arn:aws:events:us-east-1:000000000000:event-bus/bank', Name: 'bank' },
    });
    const rule = await create('AWS::Events::Rule', {
      EventBusName: bus.ref,
      EventPattern: { source: ['daybook'] },
      State: 'ENABLED',
      Targets: [
        {
          Id: 'Target0',
          Arn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
          RetryPolicy: { MaximumRetryAttempts: '3' },
        },
      ],
    });
    expect(rule).toEqual({
      ref: 'bank|Bank-Rule-1A2B',
      attributes: { Arn: 'arn:aws:events:us-east-1:000000000000:rule/bank/Bank-Rule-1A2B' },
    });
  }
  const { Targets } = await cloud.call(ROOT, 'events', 'ListTargetsByRule', {
    Rule: 'Bank-Rule-1A2B',
    EventBusName: 'bank',
  });
  expect(Targets).toMatchObject([{ Id: 'Target0', RetryPolicy: { MaximumRetryAttempts: 3 } }]);
});

it('takes away targets that the template no longer has', async () => {
  const target = (Id: string) => ({ Id, Arn: 'arn:aws:lambda:us-east-1:000000000000:function:f' });
  const rule = (Targets: Json) =>
    create('AWS::Events::Rule', { Name: 'nightly', ScheduleExpression: 'rate(1 day)', Targets });
  await rule([target('a'), target('b')]);
  expect((await rule([target('b')])).ref).toBe('nightly');
  const { Targets } = await cloud.call(ROOT, 'events', 'ListTargetsByRule', { Rule: 'nightly' });
  expect(Targets.map((one: Json) => one.Id)).toEqual(['b']);
});

it('adds statements to a bus policy', async () => {
  await create('AWS::Events::EventBusPolicy', {
    StatementId: 'one',
    Statement: { Effect: 'Allow', Principal: '*', Action: 'events:PutEvents', Resource: '*' },
  });
  await create('AWS::Events::EventBusPolicy', {
    StatementId: 'two',
    Action: 'events:PutEvents',
    Principal: '111111111111',
  });
  expect(events.busPolicyOf('default').Statement.map((one: Json) => one.Sid)).toEqual(['one', 'two']);
});

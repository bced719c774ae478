import { readFileSync } from 'node:fs';
import * as sdk from '@aws-sdk/client-eventbridge';
import * as queues from '@aws-sdk/client-sqs';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientOf } from '../client.ts';
import { errorOf, same, uniqueName } from '../expect.ts';
import type { Case, Suite, Target } from '../suite.ts';

/** Patterns and events with the answers that AWS's own matcher gave (test/local/eventbridge/pattern.test.ts). */
const RECORDED = new URL('../../local/eventbridge/rule-matcher.snap.json', import.meta.url);

interface Recorded {
  readonly pattern: string;
  readonly events?: readonly (readonly [event: string, matches: boolean])[];
}

/** The event as TestEventPattern wants it, with the recorded one as its detail, its numbers as they are written. */
const eventOf = (detail: string) =>
  `{"id":"1","account":"123456789012","source":"s","time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail-type":"d","detail":${detail}}`;

async function judgePatterns(target: Target): Promise<void> {
  const client = clientOf(target, sdk.EventBridgeClient);
  const recorded: readonly Recorded[] = JSON.parse(readFileSync(RECORDED, 'utf8'));
  const wrong: string[] = [];
  for (const [i, { pattern, events = [] }] of recorded.entries()) {
    // Every fifth: an account allows few of these calls a second.
    if (i % 5 !== 0) continue;
    for (const [event, matches] of events.slice(0, 3)) {
      const input = { EventPattern: `{"detail":${pattern}}`, Event: eventOf(event) };
      const { Result } = await client.send(new sdk.TestEventPatternCommand(input));
      if (Result !== matches) wrong.push(`${pattern} on ${event}: ${Result}`);
    }
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

interface Delivery {
  readonly pattern: object;
  readonly target?: Partial<sdk.Target>;
  readonly entries: readonly object[];
}

/** Puts events on a bus of its own and tells what its rule brings into a queue of its own. */
async function deliver(endpoint: Target, { pattern, target = {}, entries }: Delivery): Promise<readonly string[]> {
  const client = clientOf(endpoint, sdk.EventBridgeClient);
  const sqs = clientOf(endpoint, SQSClient);
  const name = uniqueName();
  const { QueueUrl } = await sqs.send(new queues.CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const Arn = Attributes!.QueueArn!;
  const Statement = [
    { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: Arn },
  ];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await sqs.send(new queues.SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  await client.send(new sdk.CreateEventBusCommand({ Name: name }));
  try {
    const rule = { Name: name, EventBusName: name, EventPattern: JSON.stringify(pattern) };
    await client.send(new sdk.PutRuleCommand(rule));
    await client.send(
      new sdk.PutTargetsCommand({ Rule: name, EventBusName: name, Targets: [{ Id: 'q', Arn, ...target }] }),
    );
    const Entries = entries.map((entry) => ({ Source: 's', DetailType: 'd', EventBusName: name, ...entry }));
    await client.send(new sdk.PutEventsCommand({ Entries }));
    const bodies: string[] = [];
    for (let quiet = 0; quiet < 2; ) {
      const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 };
      const { Messages = [] } = await sqs.send(new queues.ReceiveMessageCommand(input));
      bodies.push(...Messages.map(({ Body }) => Body!));
      quiet = Messages.length === 0 ? quiet + 1 : 0;
    }
    return bodies;
  } finally {
    await client.send(new sdk.RemoveTargetsCommand({ Rule: name, EventBusName: name, Ids: ['q'] })).catch(() => {});
    await client.send(new sdk.DeleteRuleCommand({ Name: name, EventBusName: name })).catch(() => {});
    await client.send(new sdk.DeleteEventBusCommand({ Name: name }));
    await sqs.send(new queues.DeleteQueueCommand({ QueueUrl }));
  }
}

const cases: readonly Case[] = [
  {
    name: 'patterns match what the rule matcher matches',
    says: 'TestEventPattern: "Tests whether the specified event pattern matches the provided event"; github.com/aws/event-ruler',
    run: judgePatterns,
  },
  {
    name: 'a rule brings the events that match, whole',
    says: 'Events: "version, id, detail-type, source, account, time, region, resources, detail"',
    async run(target) {
      const [body, ...more] = await deliver(target, {
        pattern: { detail: { n: [{ numeric: ['>', 1] }] } },
        entries: [{ Detail: '{"n":5}' }, { Detail: '{"n":1}' }],
      });
      const event = JSON.parse(body ?? '{}');
      same(
        [more.length, event.version, event.source, event['detail-type'], event.detail, event.resources],
        [0, '0', 's', 'd', { n: 5 }, []],
      );
    },
  },
  {
    name: "an input transformer makes the target's input",
    says: 'Input transformation: "InputPathsMap … InputTemplate"; a path within quotes is text, outside of them JSON',
    async run(target) {
      const [body] = await deliver(target, {
        pattern: { source: ['s'] },
        target: {
          InputTransformer: {
            InputPathsMap: { n: '$.detail.n', who: '$.source', list: '$.detail.l' },
            InputTemplate: '{"n": <n>, "text": "from <who>", "list": <list>}',
          },
        },
        entries: [{ Detail: '{"n":5,"l":[1,"x"]}' }],
      });
      same(JSON.parse(body ?? '{}'), { n: 5, text: 'from s', list: [1, 'x'] });
    },
  },
  {
    name: 'InputPath and Input',
    says: 'PutTargets: "If InputPath is specified in the form of JSONPath (for example, $.detail), then only the part of the event specified in the path is passed to the target"; "If Input is specified in the form of a valid JSON object, then the matched event is overridden with this constant"',
    async run(target) {
      const entries = [{ Detail: '{"n":5}' }];
      const pattern = { source: ['s'] };
      same(
        [
          await deliver(target, { pattern, target: { InputPath: '$.detail' }, entries }),
          await deliver(target, { pattern, target: { Input: '{"const":1}' }, entries }),
        ],
        [['{"n":5}'], ['{"const":1}']],
      );
    },
  },
  {
    name: 'entries are judged one by one',
    says: 'PutEvents: "FailedEntryCount"; "ErrorCode: MalformedDetail, InvalidArgument …"',
    async run(target) {
      const client = clientOf(target, sdk.EventBridgeClient);
      const { FailedEntryCount, Entries } = await client.send(
        new sdk.PutEventsCommand({
          Entries: [
            { Source: 's', DetailType: 'd', Detail: '{}' },
            { Source: 's', DetailType: 'd', Detail: 'no json' },
            { DetailType: 'd', Detail: '{}' },
          ],
        }),
      );
      same(
        [FailedEntryCount, Entries?.map(({ ErrorCode }) => ErrorCode)],
        [2, [undefined, 'MalformedDetail', 'InvalidArgument']],
      );
    },
  },
  {
    name: 'what is wrong is said by name',
    says: 'InvalidEventPatternException, ResourceNotFoundException',
    async run(target) {
      const client = clientOf(target, sdk.EventBridgeClient);
      const rule = (EventPattern: string) => client.send(new sdk.PutRuleCommand({ Name: uniqueName(), EventPattern }));
      same(
        [
          await errorOf(rule('{"source": "x"}')),
          await errorOf(rule('{')),
          await errorOf(rule('{"source": [{"frobnicate": 1}]}')),
          await errorOf(client.send(new sdk.DescribeRuleCommand({ Name: uniqueName() }))),
          await errorOf(client.send(new sdk.DescribeEventBusCommand({ Name: uniqueName() }))),
        ],
        [
          'InvalidEventPatternException',
          'InvalidEventPatternException',
          'InvalidEventPatternException',
          'ResourceNotFoundException',
          'ResourceNotFoundException',
        ],
      );
    },
  },
];

export const events: Suite = {
  service: 'events',
  costs: { makes: 'a bus with a rule, a queue', dollars: 0.0005 },
  cases,
};

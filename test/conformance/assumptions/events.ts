import { EventBridgeClient, TestEventPatternCommand } from '@aws-sdk/client-eventbridge';
import type { Json } from '../../../local/cloud.ts';
import { clientOf } from '../client.ts';
import { failureOf, same } from '../expect.ts';
import type { Case, Target } from '../suite.ts';

const costs = { makes: 'nothing', dollars: 0 };

async function matches(target: Target, field: Json, detail: Json): Promise<boolean | undefined> {
  const event = {
    id: '1',
    account: '123456789012',
    source: 'smoke',
    time: '2026-01-01T00:00:00Z',
    region: 'us-east-1',
    resources: [],
    'detail-type': 'smoke',
    detail,
  };
  const input = { EventPattern: JSON.stringify({ detail: field }), Event: JSON.stringify(event) };
  return (await clientOf(target, EventBridgeClient).send(new TestEventPatternCommand(input))).Result;
}

export const events: readonly Case[] = [
  {
    name: 'event patterns are those of event-ruler 2.1.0',
    says: 'assumed: that the service runs this version of github.com/aws/event-ruler',
    costs,
    async run(target) {
      same(
        [
          await matches(target, { a: [{ wildcard: 'a*b' }] }, { a: 'axxb' }),
          await matches(target, { a: [{ 'anything-but': { suffix: ['x', 'y'] } }] }, { a: 'ax' }),
          await matches(target, { a: [{ 'anything-but': { wildcard: 'a*' } }] }, { a: 'ba' }),
          await matches(target, { a: [{ 'anything-but': { 'equals-ignore-case': ['X'] } }] }, { a: 'x' }),
          await matches(target, { a: [{ 'equals-ignore-case': 'É' }] }, { a: 'é' }),
          await matches(target, { a: [{ prefix: { 'equals-ignore-case': 'AB' } }] }, { a: 'abc' }),
          await matches(target, { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }),
          await matches(target, { a: [{ cidr: '10.0.0.0/24' }] }, { a: '10.0.0.9' }),
          await matches(target, { a: { b: [1], c: [2] } }, { a: [{ b: 1 }, { c: 2 }] }),
          await matches(target, { $or: [{ a: [1] }, { b: [{ exists: false }] }] }, { a: 2 }),
        ],
        [true, false, true, false, true, true, true, true, false, true],
      );
    },
  },
  {
    name: 'anything-but with an empty list is refused',
    says: 'assumed: the matcher itself fails on some of them',
    costs,
    async run(target) {
      const refused = await failureOf(matches(target, { a: [{ 'anything-but': { prefix: [] } }] }, { a: 'x' }));
      same(refused.name, 'InvalidEventPatternException');
    },
  },
];

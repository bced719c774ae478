import { isDeepStrictEqual } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { clientOf } from '../client.ts';
import type { Suite, Target } from '../suite.ts';
import { conditions } from './conditions.ts';
import { readExpected } from './expected.ts';
import { items } from './items.ts';
import { legacy } from './legacy.ts';
import { numbers } from './numbers.ts';
import { type Answer, type Clients, play } from './play.ts';
import { queries } from './queries.ts';
import type { Scenario } from './scenario.ts';
import { several } from './several.ts';
import { streams } from './streams.ts';
import { tables } from './tables.ts';
import { updates } from './updates.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...items,
  ...numbers,
  ...conditions,
  ...updates,
  ...queries,
  ...several,
  ...legacy,
  ...tables,
  ...streams,
];

export function clientsOf(target: Target): Clients {
  return { tables: clientOf(target, DynamoDBClient), streams: clientOf(target, DynamoDBStreamsClient) };
}

function tell(scenario: Scenario, i: number, wanted: Answer, got: Answer): string {
  const [operation, input] = scenario.calls[i]!;
  const given = typeof input === 'function' ? '…' : JSON.stringify(input).slice(0, 300);
  return `call ${i}: ${operation} ${given}\n  wanted ${JSON.stringify(wanted)}\n  got    ${JSON.stringify(got)}`;
}

/**
 * Every answer as `expected.json` has it. An endpoint that answers as DynamoDB Local does where that was decided
 * against passes too: it is no worse than AWS's own emulator.
 */
export const dynamodb: Suite = {
  service: 'dynamodb',
  costs: { makes: 'up to four on-demand tables with some MB in all', dollars: 0.01 },
  cases: SCENARIOS.map((scenario) => ({
    name: scenario.name,
    says: scenario.says,
    async run(target) {
      const expected = readExpected().get(scenario.name) ?? [];
      const answers = await play(clientsOf(target), scenario);
      const wrong = answers.flatMap((got, i) => {
        const { answer, local } = expected[i]!;
        const forgiven = target.isEmbedded === undefined && local !== undefined && isDeepStrictEqual(got, local);
        return forgiven || isDeepStrictEqual(got, answer) ? [] : [tell(scenario, i, answer, got)];
      });
      if (wrong.length > 0) throw new Error(`${wrong.length} of ${answers.length} calls differ\n${wrong.join('\n')}`);
    },
  })),
};

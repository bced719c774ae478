/**
 * `npm run conformance -- --endpoint URL --record`: plays every scenario on DynamoDB Local at the endpoint and on the embedded
 * runtime, and writes `expected.snap.json`. A difference that no decision explains is told, and nothing is written.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Target } from '../suite.ts';
import { reasonOf } from './decided.ts';
import { type Expected, writeExpected } from './expected.ts';
import { play } from './play.ts';
import { clientsOf, SCENARIOS } from './suite.ts';

export async function record(ours: Target, local: Target, say: (line: string) => void): Promise<boolean> {
  const expected = new Map<string, readonly Expected[]>();
  const count = { calls: 0, decided: 0, open: 0 };
  for (const scenario of SCENARIOS) {
    const [answers, locals] = [await play(clientsOf(ours), scenario), await play(clientsOf(local), scenario)];
    expected.set(
      scenario.name,
      answers.map((answer, i): Expected => {
        count.calls++;
        const other = locals[i]!;
        if (isDeepStrictEqual(answer, other)) return { answer };
        const why = reasonOf(scenario.name, i, scenario.calls[i]![0], answer, other);
        if (why !== undefined) {
          count.decided++;
          return { answer, local: other, why };
        }
        count.open++;
        say(`${scenario.name}, call ${i}: ${scenario.calls[i]![0]}`);
        say(
          `  the runtime    ${JSON.stringify(answer).slice(0, 600)}\n  DynamoDB Local ${JSON.stringify(other).slice(0, 600)}`,
        );
        return { answer };
      }),
    );
  }
  say(`${count.calls} calls: ${count.decided} decided differences, ${count.open} open ones`);
  if (count.open === 0) writeExpected(expected);
  return count.open === 0;
}

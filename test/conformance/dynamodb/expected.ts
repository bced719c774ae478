import { readFileSync, writeFileSync } from 'node:fs';
import type { Answer } from './play.ts';

/** What a call has to answer; where DynamoDB Local answers otherwise, its answer too, and why that one is not ours. */
export interface Expected {
  readonly answer: Answer;
  readonly local?: Answer;
  readonly why?: string;
}

const FILE = new URL('./expected.snap.json', import.meta.url);

export function readExpected(): ReadonlyMap<string, readonly Expected[]> {
  return new Map(Object.entries(JSON.parse(readFileSync(FILE, 'utf8'))));
}

/** One answer a line, so that a change shows as the call that changed. */
export function writeExpected(expected: ReadonlyMap<string, readonly Expected[]>): void {
  const scenarios = [...expected].map(
    ([name, answers]) =>
      `${JSON.stringify(name)}: [\n${answers.map((answer) => JSON.stringify(answer)).join(',\n')}\n]`,
  );
  writeFileSync(FILE, `{\n${scenarios.join(',\n')}\n}\n`);
}

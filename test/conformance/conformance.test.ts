import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedded } from './embedded.ts';
import { judge, type Target } from './suite.ts';
import { SUITES } from './suites.ts';

let target: Target & { stop(): Promise<void> };

beforeAll(async () => {
  target = await startEmbedded();
});

afterAll(() => target.stop());

describe.each(SUITES)('$service, as documented', (suite) => {
  it.each(suite.cases)('$name', { concurrent: suite.waits === true }, async (one) => {
    const [verdict] = await judge({ ...suite, cases: [one] }, target, () => {});
    expect(verdict).toMatchObject({ kind: 'passed', text: '' });
  });
});

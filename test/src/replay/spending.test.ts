import { memoryProjectionTable } from 'daybook/testing';
import { expect, it } from 'vitest';
import type { BuildRecord } from '../../../src/replay/builds.ts';
import type { Plan } from '../../../src/replay/plan.ts';
import { spendingOf } from '../../../src/replay/spending.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';

const planWith = (budget?: number) =>
  ({ projection: 'balances', name: 'b1', request: { ...(budget !== undefined && { budget }) } }) as unknown as Plan;

it('adds up what all functions of a replay spend, and stops the one that passes the budget', async () => {
  const builds = memoryBuilds(memoryProjectionTable());
  await builds.add({ projection: 'balances', build: 'b1' } as unknown as BuildRecord);
  const [one, other] = [spendingOf(builds, planWith(0.5), 2), spendingOf(builds, planWith(0.5), 1)];
  one.add(0.2);
  await one.settle();
  other.add(0.2);
  await other.settle(60_000); // not yet
  expect((await builds.get('balances', 'b1'))!.spent).toBeCloseTo(0.2, 3);
  await other.settle();
  expect((await builds.get('balances', 'b1'))!.spent).toBeCloseTo(0.4, 3);
  one.add(0.2);
  await expect(one.settle()).rejects.toMatchObject({
    code: 'replay.budgetSpent',
    details: { projection: 'balances', build: 'b1', budget: 0.5, spent: expect.closeTo(0.6, 3) },
  });
});

it('counts nothing where there is no budget', async () => {
  const builds = memoryBuilds(memoryProjectionTable());
  await builds.add({ projection: 'balances', build: 'b1' } as unknown as BuildRecord);
  const spending = spendingOf(builds, planWith(), 2);
  spending.add(100);
  await spending.settle();
  expect((await builds.get('balances', 'b1'))!.spent).toBeUndefined();
});

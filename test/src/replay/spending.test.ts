import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { memoryProjectionTable } from 'daybook/testing';
import { expect, it } from 'vitest';
import { createCloud } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { dynamoBuilds } from '../../../src/aws/dynamo-builds.ts';
import type { BuildRecord } from '../../../src/replay/builds.ts';
import type { Plan } from '../../../src/replay/plan.ts';
import { spendingOf } from '../../../src/replay/spending.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';
import { createProjectionsTable } from '../../local/create-projections-table.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';

const planWith = (budget?: number) =>
  ({ projection: 'balances', name: 'b1', request: { ...(budget !== undefined && { budget }) } }) as unknown as Plan;

const record = {
  ...{ projection: 'balances', build: 'b1', version: 1, kind: 'rebuild', status: 'running', execution: 'arn:b1' },
  ...{ startedAt: '2026-01-01T00:00:00.000Z', folded: {}, progress: {}, request: {}, estimate: {} },
} as unknown as BuildRecord;

/** In the embedded DynamoDB. */
async function realBuilds() {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  await createProjectionsTable(client, 'projections');
  return dynamoBuilds({ client, tableName: 'projections' });
}

const kinds = [
  ['memory', async () => memoryBuilds(memoryProjectionTable())],
  ['DynamoDB', realBuilds],
] as const;

it.each(kinds)(
  'in %s adds up what all functions of a replay spend, and stops the one that passes the budget',
  async (_, open) => {
    const builds = await open();
    await builds.add(record);
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
  },
);

it.each(kinds)('in %s counts by a step’s last write alone where there is no budget, of all parts', async (_, open) => {
  const builds = await open();
  expect(await builds.spend('balances', 'b1', 1)).toBe(0); // no record of it
  await builds.add(record);
  const spending = spendingOf(builds, planWith(), 2);
  spending.add(1);
  await spending.settle();
  expect((await builds.get('balances', 'b1'))!.spent).toBeUndefined();
  await builds.folded('balances', 'b1', '7', 10, spending.rest());
  await builds.progress('balances', 'b1', 'catchUp', '01', { done: 3, of: 9, spent: 0.25 });
  await builds.progress('balances', 'b1', 'catchUp', '23', { done: 1, of: 9, spent: 0.25 });
  await builds.progress('balances', 'b1', 'catchUp', '23', { done: 4, of: 9, spent: 0.5 });
  const { spent, folded, progress } = (await builds.get('balances', 'b1'))!;
  expect(spent).toBeCloseTo(2, 3);
  expect({ folded, progress }).toEqual({ folded: { 7: 10 }, progress: { catchUp: { done: 7, of: 9 } } });
  const named: string[] = [];
  for await (const name of builds.projections()) named.push(name);
  expect(named).toEqual(['balances']);
});

it.each(kinds)('in %s has not ended any more once it is resumed, and says no error', async (_, open) => {
  const builds = await open();
  await builds.add(record);
  const at = '2026-01-02T00:00:00.000Z';
  await builds.sliceFailed('balances', 'b1', 'boom');
  await builds.mark('balances', 'b1', 'failed', { at, error: 'it failed' });
  expect(await builds.get('balances', 'b1')).toMatchObject({ endedAt: at, error: 'it failed', sliceError: 'boom' });
  await builds.resumed('balances', 'b1');
  expect(await builds.get('balances', 'b1')).toEqual(record);
});

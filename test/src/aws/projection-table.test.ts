import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { memoryProjectionTable } from 'daybook/testing';
import { describe, expect, test } from 'vitest';
import { createCloud } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { dynamoProjectionTable } from '../../../src/aws/dynamo-projection-table.ts';
import type { ProjectionTable } from '../../../src/projection/projection-table.ts';
import { createProjectionsTable } from '../../local/create-projections-table.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';

async function dynamoProjections(): Promise<ProjectionTable> {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  await createProjectionsTable(client, 'projections');
  return dynamoProjectionTable({ client, tableName: 'projections' });
}

/** The port's contract, on every implementation of it. */
describe.each<[string, () => Promise<ProjectionTable>]>([
  ['in memory', async () => memoryProjectionTable()],
  ['in DynamoDB', dynamoProjections],
])('a projection %s', (_, make) => {
  const at = (position: number) => ({ aggregateUuid: 'a', position, applied: position, state: `${position}` });

  test.each([
    // there, made from, made to, advances
    [0, 0, 3, true],
    [3, 3, 5, true],
    [3, 0, 5, false],
    [3, 0, 2, false],
    [3, 2, 5, false],
    [3, 4, 5, false],
    [0, 2, 3, false],
  ])('at %d, what was made from %d advances to %d: %s', async (there, from, to, advances) => {
    const table = await make();
    if (there > 0) expect(await table.advance('p', 'live', at(there), 0)).toBe(true);
    expect(await table.advance('p', 'live', at(to), from)).toBe(advances);
    const expected = advances ? to : there;
    expect(await table.get('p', 'live', 'a')).toEqual(expected === 0 ? undefined : at(expected));
  });
});

import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { SnapshotStore } from '../store/snapshots.ts';

export interface DynamoSnapshotsOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/**
 * Snapshots in DynamoDB: one item per aggregate and fold.
 *
 * @example
 * const snapshots = dynamoSnapshots({ client: new DynamoDBClient(), tableName: 'snapshots' });
 */
export function dynamoSnapshots({ client, tableName }: DynamoSnapshotsOptions): SnapshotStore {
  return {
    async get(aggregateUuid, fold) {
      // An older snapshot does as well: eventually consistent, at half the price.
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: { AggregateUuid: { S: aggregateUuid }, Fold: { S: fold } } }),
      );
      if (Item === undefined) return undefined;
      // What is missing or odd makes a snapshot that the store ignores and counts.
      return {
        aggregateUuid,
        fold,
        version: Number(Item.Version?.N),
        commitId: Item.CommitId?.S ?? '',
        state: Item.State?.S ?? '',
        checksum: Item.Checksum?.S ?? '',
      };
    },
    async put({ aggregateUuid, fold, version, commitId, state, checksum }) {
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: {
              AggregateUuid: { S: aggregateUuid },
              Fold: { S: fold },
              Version: { N: String(version) },
              CommitId: { S: commitId },
              State: { S: state },
              Checksum: { S: checksum },
            },
            // A snapshot of a later version stays.
            ConditionExpression: 'attribute_not_exists(#v) OR #v <= :v',
            ExpressionAttributeNames: { '#v': 'Version' },
            ExpressionAttributeValues: { ':v': { N: String(version) } },
          }),
        );
      } catch (error) {
        // Another load kept a newer one.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

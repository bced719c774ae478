import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The table of projections, and of replays' builds, with the keys that the construct gives it. */
export async function createProjectionsTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['Build', 'Key'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'Build', KeyType: 'HASH' },
        { AttributeName: 'Key', KeyType: 'RANGE' },
      ],
    }),
  );
}

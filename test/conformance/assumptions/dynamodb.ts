import * as sdk from '@aws-sdk/client-dynamodb';
import { clientOf } from '../client.ts';
import { failureOf, same, uniqueName } from '../expect.ts';
import type { Case } from '../suite.ts';

const Key = { p: { S: 'a' } };
const costs = { makes: 'an on-demand table', dollars: 0.00005 };

/** On a table keyed by `p`, with an index `by-g` that projects keys only. */
const on = (
  name: string,
  says: string,
  ask: (client: sdk.DynamoDBClient, TableName: string, created: string | undefined) => Promise<void>,
): Case => ({
  name,
  says,
  costs,
  async run(target) {
    const client = clientOf(target, sdk.DynamoDBClient);
    const TableName = uniqueName();
    const { TableDescription } = await client.send(
      new sdk.CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
        AttributeDefinitions: ['p', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        GlobalSecondaryIndexes: [
          {
            IndexName: 'by-g',
            KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
      }),
    );
    try {
      await sdk.waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName });
      await ask(client, TableName, TableDescription?.TableStatus);
    } finally {
      await client.send(new sdk.DeleteTableCommand({ TableName }));
    }
  },
});

export const dynamodb: readonly Case[] = [
  on(
    'the members of a set come back in their order',
    'assumed: a set is documented to have none',
    async (client, TableName) => {
      const Item = { ...Key, n: { NS: ['10', '9', '-1'] }, s: { SS: ['b', 'a', 'B'] } };
      await client.send(new sdk.PutItemCommand({ TableName, Item }));
      const { Items } = await client.send(
        new sdk.QueryCommand({
          TableName,
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': Key.p },
          ConsistentRead: true,
        }),
      );
      same(
        [Items?.[0]?.n?.NS, Items?.[0]?.s?.SS],
        [
          ['-1', '9', '10'],
          ['B', 'a', 'b'],
        ],
      );
    },
  ),
  on(
    'UPDATED_NEW of a nested path is that path alone',
    "assumed after the guide's tutorials",
    async (client, TableName) => {
      await client.send(
        new sdk.PutItemCommand({ TableName, Item: { ...Key, m: { M: { a: { N: '1' }, b: { N: '2' } } } } }),
      );
      const { Attributes } = await client.send(
        new sdk.UpdateItemCommand({
          TableName,
          Key,
          UpdateExpression: 'SET m.a = :v',
          ExpressionAttributeValues: { ':v': { N: '7' } },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      same(Attributes, { m: { M: { a: { N: '7' } } } });
    },
  ),
  on(
    'a filter on what a global index does not project is refused',
    'assumed after DynamoDB Local',
    async (client, TableName) => {
      const query = new sdk.QueryCommand({
        TableName,
        IndexName: 'by-g',
        KeyConditionExpression: 'g = :v',
        FilterExpression: 'other = :v',
        ExpressionAttributeValues: { ':v': { S: 'x' } },
      });
      same((await failureOf(client.send(query))).name, 'ValidationException');
    },
  ),
  on(
    'a query that finds nothing consumes half a unit',
    'assumed: documented for an item that does not exist',
    async (client, TableName) => {
      const { ConsumedCapacity } = await client.send(
        new sdk.QueryCommand({
          TableName,
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': { S: 'nobody' } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      same(ConsumedCapacity?.CapacityUnits, 0.5);
    },
  ),
  on(
    'what an action of a transaction does not bear is its reason',
    'assumed: the codes are documented, which is which is not',
    async (client, TableName) => {
      const Update = {
        TableName,
        Key,
        UpdateExpression: 'SET p2 = nothing.here',
      };
      const { name, CancellationReasons } = await failureOf(
        client.send(new sdk.TransactWriteItemsCommand({ TransactItems: [{ Update }] })),
      );
      same([name, CancellationReasons?.[0]?.Code], ['TransactionCanceledException', 'ValidationError']);
    },
  ),
  on('the words of a ValidationException', 'assumed: no text is documented', async (client, TableName) => {
    const told = async (call: Promise<unknown>) => (await failureOf(call)).message;
    same(
      [
        await told(client.send(new sdk.PutItemCommand({ TableName, Item: { q: { S: 'x' } } }))),
        await told(client.send(new sdk.UpdateItemCommand({ TableName, Key: { q: { S: 'x' } } }))),
        await told(client.send(new sdk.UpdateItemCommand({ TableName, Key, UpdateExpression: 'SET a = ' }))),
      ],
      [
        'One or more parameter values were invalid: Missing the key p in the item',
        'The provided key element does not match the schema',
        'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "= "',
      ],
    );
  }),
  on(
    'a scan meets each item once, in one order, and its segments share them',
    'assumed: no order is documented; parallel scan: "each segment … scanned by a worker"',
    async (client, TableName) => {
      const ids = Array.from({ length: 40 }, (_, i) => `id-${i}`);
      for (let i = 0; i < ids.length; i += 20) {
        const puts = ids.slice(i, i + 20).map((S) => ({ PutRequest: { Item: { p: { S } } } }));
        await client.send(new sdk.BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }));
      }
      const scan = async (more: Partial<sdk.ScanCommandInput>) => {
        const seen: string[] = [];
        let ExclusiveStartKey: sdk.ScanCommandInput['ExclusiveStartKey'];
        do {
          const page = new sdk.ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey, ...more });
          const { Items = [], LastEvaluatedKey } = await client.send(page);
          seen.push(...Items.map(({ p }) => p!.S!));
          ExclusiveStartKey = LastEvaluatedKey;
        } while (ExclusiveStartKey !== undefined);
        return seen;
      };
      const whole = await scan({});
      same([...whole].sort(), [...ids].sort());
      same(await scan({ Limit: 7 }), whole);
      const segments: string[] = [];
      for (const Segment of [0, 1, 2]) segments.push(...(await scan({ Segment, TotalSegments: 3 })));
      same(segments.sort(), [...ids].sort());
    },
  ),
  on(
    'a table is CREATING in the answer to its creation',
    'CreateTable: "DynamoDB immediately returns a response with a TableStatus of CREATING"',
    async (client, TableName, created) => {
      same(created, 'CREATING');
      const again = new sdk.CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      });
      same((await failureOf(client.send(again))).name, 'ResourceInUseException');
    },
  ),
];

import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { type Check, failureOf, type Smoke, same } from './check.ts';

const Key = { p: { S: 'a' } };
const tables = new WeakMap<Smoke, Promise<string>>();

/** One table for all of the checks. */
function table(smoke: Smoke, client: DynamoDBClient): Promise<string> {
  let name = tables.get(smoke);
  if (name === undefined) {
    name = makeTable(smoke, client);
    tables.set(smoke, name);
  }
  return name;
}

async function makeTable(smoke: Smoke, client: DynamoDBClient): Promise<string> {
  const TableName = `daybook-smoke-${smoke.id}`;
  await client.send(
    new CreateTableCommand({
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
      Tags: Object.entries(smoke.tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
  smoke.made(`the table ${TableName}`, () => client.send(new DeleteTableCommand({ TableName })));
  await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName });
  return TableName;
}

const with_ =
  (ask: (client: DynamoDBClient, TableName: string) => Promise<void>): Check['run'] =>
  async (smoke) => {
    const client = new DynamoDBClient(smoke.config);
    await ask(client, await table(smoke, client));
  };

const MAKES = 'one on-demand table for all checks of DynamoDB';

export const dynamodb: readonly Check[] = [
  {
    row: 'The members of a set come back in their order',
    makes: MAKES,
    dollars: 0.00001,
    run: with_(async (client, TableName) => {
      const Item = { ...Key, n: { NS: ['10', '9', '-1'] }, s: { SS: ['b', 'a', 'B'] } };
      await client.send(new PutItemCommand({ TableName, Item }));
      const { Items } = await client.send(
        new QueryCommand({
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
    }),
  },
  {
    row: '`UPDATED_NEW` and `UPDATED_OLD` of a nested path',
    makes: MAKES,
    dollars: 0.00001,
    run: with_(async (client, TableName) => {
      await client.send(
        new PutItemCommand({ TableName, Item: { ...Key, m: { M: { a: { N: '1' }, b: { N: '2' } } } } }),
      );
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key,
          UpdateExpression: 'SET m.a = :v',
          ExpressionAttributeValues: { ':v': { N: '7' } },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      same(Attributes, { m: { M: { a: { N: '7' } } } });
    }),
  },
  {
    row: 'A filter on a global index that names what the index does not project',
    makes: MAKES,
    dollars: 0.00001,
    run: with_(async (client, TableName) => {
      const query = new QueryCommand({
        TableName,
        IndexName: 'by-g',
        KeyConditionExpression: 'g = :v',
        FilterExpression: 'other = :v',
        ExpressionAttributeValues: { ':v': { S: 'x' } },
      });
      same((await failureOf(client.send(query))).name, 'ValidationException');
    }),
  },
  {
    row: 'A Query that finds nothing consumes',
    makes: MAKES,
    dollars: 0.00001,
    run: with_(async (client, TableName) => {
      const { ConsumedCapacity } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': { S: 'nobody' } },
          ReturnConsumedCapacity: 'TOTAL',
        }),
      );
      same(ConsumedCapacity?.CapacityUnits, 0.5);
    }),
  },
  {
    row: 'What an action of a transaction does not bear',
    makes: MAKES,
    dollars: 0.00001,
    run: with_(async (client, TableName) => {
      const Update = {
        TableName,
        Key,
        UpdateExpression: 'SET p2 = nothing.here',
      };
      const { name, CancellationReasons } = await failureOf(
        client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update }] })),
      );
      same([name, CancellationReasons?.[0]?.Code], ['TransactionCanceledException', 'ValidationError']);
    }),
  },
  {
    row: 'The words of a `ValidationException`',
    makes: MAKES,
    dollars: 0.00001,
    run: with_(async (client, TableName) => {
      const told = async (call: Promise<unknown>) => (await failureOf(call)).message;
      same(
        [
          await told(client.send(new PutItemCommand({ TableName, Item: { q: { S: 'x' } } }))),
          await told(client.send(new UpdateItemCommand({ TableName, Key: { q: { S: 'x' } } }))),
          await told(client.send(new UpdateItemCommand({ TableName, Key, UpdateExpression: 'SET a = ' }))),
        ],
        [
          'One or more parameter values were invalid: Missing the key p in the item',
          'The provided key element does not match the schema',
          'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "= "',
        ],
      );
    }),
  },
];

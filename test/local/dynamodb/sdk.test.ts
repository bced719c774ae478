import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  QueryCommand,
  ResourceNotFoundException,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCloud, ServiceError } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { SDK_CONFIG, sdkHandler } from '../sdk-handler.ts';
import { key, STREAMED, tableInput } from './setup.ts';

const cloud = createCloud(virtualKernel({ seed: 1 }));
createDynamoDb(cloud);
const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
const streams = new DynamoDBStreamsClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });

beforeAll(async () => {
  await client.send(new CreateTableCommand(tableInput('tbl', STREAMED)));
  await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: 'tbl' });
});

describe('the real SDK', () => {
  it('puts, reads, updates', async () => {
    const Item = {
      ...key('a', 1),
      b: { B: new Uint8Array([1, 2, 3]) },
      l: { L: [{ NULL: true as const }, { BOOL: false }] },
    };
    await client.send(new PutItemCommand({ TableName: 'tbl', Item }));
    const read = await client.send(new GetItemCommand({ TableName: 'tbl', Key: key('a', 1), ConsistentRead: true }));
    expect(read.Item).toEqual({ ...Item, b: { B: new Uint8Array([1, 2, 3]) } });
    const update = await client.send(
      new UpdateItemCommand({
        TableName: 'tbl',
        Key: key('a', 1),
        UpdateExpression: 'ADD n :n',
        ExpressionAttributeValues: { ':n': { N: '5' } },
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    expect(update.Attributes).toEqual({ n: { N: '5' } });
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'tbl' }));
    expect(Table?.CreationDateTime).toEqual(new Date(Date.UTC(2026, 0, 1)));
  });

  it('gets the exceptions that it knows, with what they carry', async () => {
    await client.send(new PutItemCommand({ TableName: 'tbl', Item: { ...key('x', 1), who: { S: 'first' } } }));
    const put = {
      TableName: 'tbl',
      Item: key('x', 1),
      ConditionExpression: 'attribute_not_exists(p)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    const lost = await client.send(new PutItemCommand(put)).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(ConditionalCheckFailedException);
    expect((lost as ConditionalCheckFailedException).Item).toEqual({ ...key('x', 1), who: { S: 'first' } });

    const transaction = new TransactWriteItemsCommand({
      TransactItems: [{ Put: { TableName: 'tbl', Item: key('x', 2) } }, { Put: put }],
    });
    const cancelled = await client.send(transaction).catch((error: unknown) => error);
    expect(cancelled).toBeInstanceOf(TransactionCanceledException);
    expect((cancelled as TransactionCanceledException).CancellationReasons).toEqual([
      { Code: 'None' },
      {
        Code: 'ConditionalCheckFailed',
        Message: 'The conditional request failed',
        Item: { ...key('x', 1), who: { S: 'first' } },
      },
    ]);
    const missing = client.send(
      new QueryCommand({
        TableName: 'nope',
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'a' } },
      }),
    );
    await expect(missing).rejects.toBeInstanceOf(ResourceNotFoundException);
  });

  it('pages, and reads the stream', async () => {
    for (let r = 1; r <= 7; r++) await client.send(new PutItemCommand({ TableName: 'tbl', Item: key('pages', r) }));
    const seen: string[] = [];
    const query = {
      TableName: 'tbl',
      KeyConditionExpression: 'p = :p',
      ExpressionAttributeValues: { ':p': { S: 'pages' } },
    };
    for await (const page of paginateQuery({ client, pageSize: 3 }, query))
      seen.push(...(page.Items ?? []).map(({ r }) => r!.N!));
    expect(seen).toEqual(['1', '2', '3', '4', '5', '6', '7']);

    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'tbl' }));
    const StreamArn = Table?.LatestStreamArn;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
    const { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const { Records = [] } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    const mine = Records.filter(({ dynamodb }) => dynamodb?.Keys?.p?.S === 'pages');
    expect(mine.map(({ dynamodb }) => dynamodb?.NewImage)).toEqual([1, 2, 3, 4, 5, 6, 7].map((r) => key('pages', r)));
    expect(mine[0]?.dynamodb?.ApproximateCreationDateTime).toBeInstanceOf(Date);
  });

  it('is refused what the caller may not do', async () => {
    const other = createCloud(virtualKernel({ seed: 1 }));
    createDynamoDb(other);
    other.setAuthorize(() => {
      throw new ServiceError('AccessDeniedException', 'not for you');
    });
    const denied = new DynamoDBClient({
      ...SDK_CONFIG,
      requestHandler: sdkHandler(other, { principal: 'arn:aws:iam::0:role/x' }),
    });
    await expect(denied.send(new GetItemCommand({ TableName: 'tbl', Key: key('a', 1) }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'not for you',
    });
  });
});

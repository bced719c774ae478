import type { Json } from '../../../local/cloud.ts';
import { type Call, N, type Outputs, S, type Scenario, table } from './scenario.ts';

const T = 'conf-streams';
const Key = { p: S('a'), r: N(1) };
const streamed = (StreamViewType: string) =>
  table(T, 'p:S', 'r:N', { StreamSpecification: { StreamEnabled: true, StreamViewType } });

const put = (item: Json): Call => ['PutItem', { TableName: T, Item: { ...Key, ...item } }];

/** What every write of a life does to the stream. */
const LIFE: readonly Call[] = [
  put({ a: N(1) }),
  put({ a: N('1.0') }),
  put({ a: N(2), b: S('new') }),
  ['UpdateItem', { TableName: T, Key, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': N(2) } }],
  ['UpdateItem', { TableName: T, Key, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': N(3) } }],
  [
    'UpdateItem',
    {
      TableName: T,
      Key,
      UpdateExpression: 'SET a = :a',
      ConditionExpression: 'a = :b',
      ExpressionAttributeValues: { ':a': N(3), ':b': N(9) },
    },
  ],
  ['DeleteItem', { TableName: T, Key }],
  ['DeleteItem', { TableName: T, Key }],
  ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: { Item: { ...Key, a: N(5) } } }] } }],
  ['TransactWriteItems', { TransactItems: [{ Update: { TableName: T, Key, UpdateExpression: 'REMOVE a' } }] }],
];

/** The outputs that came before hold the stream, the shard and an iterator; these find the last of each. */
const arn = (outputs: Outputs): string =>
  outputs.findLast((output: Json) => output?.Table !== undefined).Table.LatestStreamArn;
const shard = (outputs: Outputs): string =>
  outputs.findLast((output: Json) => output?.StreamDescription !== undefined).StreamDescription.Shards[0].ShardId;
const iterator = (outputs: Outputs): string =>
  outputs.findLast((output: Json) => output?.ShardIterator !== undefined)?.ShardIterator;
const records = (outputs: Outputs): Json[] => outputs.find((output: Json) => output?.Records?.length > 0).Records;

const OPEN: readonly Call[] = [
  ['DescribeTable', { TableName: T }],
  ['DescribeStream', (outputs: Outputs) => ({ StreamArn: arn(outputs) })],
];
const from = (ShardIteratorType: string, sequence?: (outputs: Outputs) => string): readonly Call[] => [
  [
    'GetShardIterator',
    (outputs: Outputs) => ({
      StreamArn: arn(outputs),
      ShardId: shard(outputs),
      ShardIteratorType,
      ...(sequence === undefined ? {} : { SequenceNumber: sequence(outputs) }),
    }),
  ],
  ['GetRecords', (outputs: Outputs) => ({ ShardIterator: iterator(outputs) })],
];

export const streams: readonly Scenario[] = [
  ...['KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES'].map(
    (view): Scenario => ({
      name: `a table stream of ${view}`,
      says: 'StreamViewType: "KEYS_ONLY … NEW_IMAGE … OLD_IMAGE … NEW_AND_OLD_IMAGES"; "If you perform a PutItem or UpdateItem operation that does not change any data in an item, DynamoDB Streams does not write a stream record for that operation."',
      tables: [streamed(view)],
      calls: [...LIFE, ...OPEN, ...from('TRIM_HORIZON')],
    }),
  ),
  {
    name: 'shard iterators',
    says: 'GetShardIterator: "AT_SEQUENCE_NUMBER … AFTER_SEQUENCE_NUMBER … TRIM_HORIZON … LATEST"',
    tables: [streamed('KEYS_ONLY')],
    calls: [
      ...LIFE,
      ...OPEN,
      ...from('TRIM_HORIZON'),
      ...from('AT_SEQUENCE_NUMBER', (outputs: Outputs) => records(outputs)[1].dynamodb.SequenceNumber),
      ...from('AFTER_SEQUENCE_NUMBER', (outputs: Outputs) => records(outputs)[1].dynamodb.SequenceNumber),
      ...from('AFTER_SEQUENCE_NUMBER', (outputs: Outputs) => records(outputs).at(-1).dynamodb.SequenceNumber),
      ...from('LATEST'),
      put({ late: S('x') }),
      [
        'GetRecords',
        (outputs: Outputs) => ({
          ShardIterator: outputs.findLast((output: Json) => output?.NextShardIterator !== undefined).NextShardIterator,
        }),
      ],
      ['GetRecords', (outputs: Outputs) => ({ ShardIterator: iterator(outputs), Limit: 1 })],
      ['GetRecords', (outputs: Outputs) => ({ ShardIterator: iterator(outputs), Limit: 0 })],
      ['GetRecords', (outputs: Outputs) => ({ ShardIterator: iterator(outputs), Limit: 1001 })],
      ['GetRecords', { ShardIterator: 'nonsense' }],
      ['GetRecords', {}],
      [
        'GetShardIterator',
        (outputs: Outputs) => ({ StreamArn: arn(outputs), ShardId: shard(outputs), ShardIteratorType: 'OTHER' }),
      ],
      [
        'GetShardIterator',
        (outputs: Outputs) => ({
          StreamArn: arn(outputs),
          ShardId: shard(outputs),
          ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        }),
      ],
      [
        'GetShardIterator',
        (outputs: Outputs) => ({
          StreamArn: arn(outputs),
          ShardId: 'shardId-00000000000000000000-00000000',
          ShardIteratorType: 'LATEST',
        }),
      ],
      [
        'GetShardIterator',
        (outputs: Outputs) => ({ StreamArn: `${arn(outputs)}x`, ShardId: shard(outputs), ShardIteratorType: 'LATEST' }),
      ],
      ['DescribeStream', (outputs: Outputs) => ({ StreamArn: `${arn(outputs)}x` })],
      ['DescribeStream', {}],
      ['ListStreams', { TableName: 'conf-nowhere' }],
      ['ListStreams', { Limit: 0 }],
    ],
  },
];

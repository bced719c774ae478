import type { Json } from '../../../local/cloud.ts';
import { type Call, definition, index, keys, S, type Scenario, table } from './scenario.ts';

const T = 'conf-tables';
const make = (more: Json = {}, base: Json = table(T, 'p:S')): Call => ['CreateTable', { ...base, ...more }];
const drop = (TableName = T): Call => ['DeleteTable', { TableName }];
const THROUGHPUT = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
const many = <R>(count: number, build: (i: number) => R): R[] => Array.from({ length: count }, (_, i) => build(i));

export const tables: readonly Scenario[] = [
  {
    name: 'tables are made, described, listed and deleted',
    says: 'CreateTable: "adds a new table to your account. In an AWS account, table names must be unique within each Region."',
    calls: [
      make(),
      make(),
      ['DescribeTable', { TableName: T }],
      ['DescribeTimeToLive', { TableName: T }],
      ['UpdateTimeToLive', { TableName: T, TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } }],
      ['UpdateTimeToLive', { TableName: T, TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } }],
      ['UpdateTimeToLive', { TableName: T, TimeToLiveSpecification: { AttributeName: 'other', Enabled: true } }],
      ['DescribeTimeToLive', { TableName: T }],
      ['UpdateTimeToLive', { TableName: T, TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: false } }],
      ['UpdateTimeToLive', { TableName: T, TimeToLiveSpecification: { AttributeName: '', Enabled: true } }],
      ['UpdateTimeToLive', { TableName: T }],
      drop(),
      drop(),
      ['DescribeTable', { TableName: T }],
      [
        'CreateTable',
        {
          TableName: T,
          ...keys('p:S', 'r:N'),
          AttributeDefinitions: ['p:S', 'r:N'].map(definition),
          ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 4 },
        },
      ],
      ['DescribeTable', { TableName: T }],
      ['UpdateTable', { TableName: T, ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 4 } }],
      ['UpdateTable', { TableName: T, ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 4 } }],
      ['UpdateTable', { TableName: T }],
      ['UpdateTable', { TableName: T, BillingMode: 'PAY_PER_REQUEST' }],
      ['DescribeTable', { TableName: T }],
      ['UpdateTable', { TableName: T, StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } }],
      ['UpdateTable', { TableName: T, StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } }],
      ['UpdateTable', { TableName: T, StreamSpecification: { StreamEnabled: false } }],
      ['UpdateTable', { TableName: T, StreamSpecification: { StreamEnabled: false } }],
      ['UpdateTable', { TableName: T, DeletionProtectionEnabled: true }],
      drop(),
      ['UpdateTable', { TableName: T, DeletionProtectionEnabled: false }],
      drop(),
      ['ListTables', { Limit: 0 }],
      ['ListTables', { Limit: 101 }],
      ['ListTables', { ExclusiveStartTableName: 'a' }],
    ],
  },
  {
    name: 'definitions that are refused',
    says: 'CreateTable: "Each KeySchemaElement … AttributeName … KeyType"; "AttributeDefinitions: An array of attributes that describe the key schema for the table and indexes."',
    calls: [
      ['CreateTable', {}],
      ['CreateTable', { TableName: T }],
      ['CreateTable', { TableName: T, AttributeDefinitions: [definition('p:S')] }],
      ['CreateTable', { TableName: T, AttributeDefinitions: [definition('p:S')], ...keys('p:S') }],
      [
        'CreateTable',
        { TableName: T, AttributeDefinitions: [definition('p:S')], ...keys('p:S'), BillingMode: 'PROVISIONED' },
      ],
      [
        'CreateTable',
        { TableName: T, AttributeDefinitions: [definition('p:S')], ...keys('p:S'), BillingMode: 'OTHER' },
      ],
      [
        'CreateTable',
        {
          TableName: T,
          AttributeDefinitions: [definition('p:S')],
          ...keys('p:S'),
          BillingMode: 'PAY_PER_REQUEST',
          ProvisionedThroughput: THROUGHPUT,
        },
      ],
      [
        'CreateTable',
        {
          TableName: T,
          AttributeDefinitions: [definition('p:S')],
          ...keys('p:S'),
          ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 1 },
        },
      ],
      [
        'CreateTable',
        {
          TableName: T,
          AttributeDefinitions: [definition('p:S')],
          ...keys('p:S'),
          ProvisionedThroughput: { ReadCapacityUnits: 1 },
        },
      ],
      make({ TableName: 'ab' }),
      make({ TableName: 'a b c' }),
      make({ TableName: 'x'.repeat(256) }),
      make({ KeySchema: [] }),
      make({ AttributeDefinitions: [] }),
      make({ AttributeDefinitions: ['p:S', 'extra:S'].map(definition) }),
      make({ AttributeDefinitions: [definition('other:S')] }),
      make({ AttributeDefinitions: ['p:S', 'p:N'].map(definition) }),
      make({ AttributeDefinitions: [definition('p:X')] }),
      make({ AttributeDefinitions: [definition('p:BOOL')] }),
      make({ KeySchema: [{ AttributeName: 'p', KeyType: 'RANGE' }] }),
      make({
        KeySchema: [
          { AttributeName: 'p', KeyType: 'HASH' },
          { AttributeName: 'p', KeyType: 'RANGE' },
        ],
      }),
      make({
        KeySchema: [
          { AttributeName: 'p', KeyType: 'HASH' },
          { AttributeName: 'r', KeyType: 'RANGE' },
        ],
      }),
      make({
        KeySchema: [
          { AttributeName: 'p', KeyType: 'HASH' },
          { AttributeName: 'r', KeyType: 'HASH' },
        ],
        AttributeDefinitions: ['p:S', 'r:S'].map(definition),
      }),
      make({
        KeySchema: [
          { AttributeName: 'r', KeyType: 'RANGE' },
          { AttributeName: 'p', KeyType: 'HASH' },
        ],
        AttributeDefinitions: ['p:S', 'r:S'].map(definition),
      }),
      make({
        KeySchema: [
          { AttributeName: 'p', KeyType: 'HASH' },
          { AttributeName: 'r', KeyType: 'RANGE' },
          { AttributeName: 's', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: ['p:S', 'r:S', 's:S'].map(definition),
      }),
      make({ KeySchema: [{ AttributeName: 'p', KeyType: 'OTHER' }] }),
      make({ KeySchema: [{ KeyType: 'HASH' }] }),
      make({ GlobalSecondaryIndexes: [] }),
      make({ LocalSecondaryIndexes: [] }),
      make({ GlobalSecondaryIndexes: [index('by-g', 'g:S')] }),
      make({
        GlobalSecondaryIndexes: [index('by-g', 'g:S'), index('by-g', 'g:S')],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({ GlobalSecondaryIndexes: [index('b', 'g:S')], AttributeDefinitions: ['p:S', 'g:S'].map(definition) }),
      make({
        GlobalSecondaryIndexes: [{ ...index('by-g', 'g:S'), Projection: {} }],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: [index('by-g', 'g:S', undefined, { ProjectionType: 'OTHER' })],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: [index('by-g', 'g:S', undefined, { ProjectionType: 'INCLUDE' })],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: [index('by-g', 'g:S', undefined, { ProjectionType: 'ALL', NonKeyAttributes: ['a'] })],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: [index('by-g', 'g:S', undefined, { ProjectionType: 'INCLUDE', NonKeyAttributes: [] })],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: [
          index('by-g', 'g:S', undefined, { ProjectionType: 'INCLUDE', NonKeyAttributes: ['a', 'a'] }),
        ],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: [
          index('by-g', 'g:S', undefined, { ProjectionType: 'INCLUDE', NonKeyAttributes: ['p'] }),
        ],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      drop(),
      make({
        GlobalSecondaryIndexes: [index('by-g', 'g:S', 'g:S')],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        LocalSecondaryIndexes: [index('by-g', 'p:S', 'g:S')],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        GlobalSecondaryIndexes: many(21, (i) => index(`by-${i}`, 'g:S')),
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({ StreamSpecification: { StreamEnabled: true } }),
      make({ StreamSpecification: { StreamEnabled: false, StreamViewType: 'NEW_IMAGE' } }),
      make({ StreamSpecification: { StreamEnabled: true, StreamViewType: 'OTHER' } }),
      make({ StreamSpecification: {} }),
      make({ TableClass: 'OTHER' }),
      make({
        GlobalSecondaryIndexes: [{ ...index('by-g', 'g:S'), ProvisionedThroughput: THROUGHPUT }],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      make({
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: THROUGHPUT,
        GlobalSecondaryIndexes: [index('by-g', 'g:S')],
        AttributeDefinitions: ['p:S', 'g:S'].map(definition),
      }),
      ['DescribeTable', { TableName: T }],
    ],
  },
  {
    name: 'local indexes need a sort key',
    says: 'LocalSecondaryIndexes: "Each local secondary index must have the same partition key as the table"; at most five',
    calls: [
      make(
        {
          LocalSecondaryIndexes: [index('by-g', 'p:S', 'g:S')],
          AttributeDefinitions: ['p:S', 'r:S', 'g:S'].map(definition),
        },
        table(T, 'p:S', 'r:S'),
      ),
      ['DescribeTable', { TableName: T }],
      drop(),
      make(
        {
          LocalSecondaryIndexes: [index('by-g', 'g:S', 'p:S')],
          AttributeDefinitions: ['p:S', 'r:S', 'g:S'].map(definition),
        },
        table(T, 'p:S', 'r:S'),
      ),
      make(
        { LocalSecondaryIndexes: [index('by-g', 'p:S')], AttributeDefinitions: ['p:S', 'r:S'].map(definition) },
        table(T, 'p:S', 'r:S'),
      ),
      make(
        {
          LocalSecondaryIndexes: many(6, (i) => index(`by-${i}`, 'p:S', 'g:S')),
          AttributeDefinitions: ['p:S', 'r:S', 'g:S'].map(definition),
        },
        table(T, 'p:S', 'r:S'),
      ),
      make(
        {
          LocalSecondaryIndexes: [index('by-g', 'p:S', 'g:S')],
          GlobalSecondaryIndexes: [index('by-g', 'g:S')],
          AttributeDefinitions: ['p:S', 'r:S', 'g:S'].map(definition),
        },
        table(T, 'p:S', 'r:S'),
      ),
    ],
  },
  {
    name: 'global indexes come and go',
    says: 'UpdateTable: "Create a new global secondary index on a table … You can only delete or create one global secondary index per UpdateTable operation."',
    tables: [table(T, 'p:S')],
    calls: [
      ['PutItem', { TableName: T, Item: { p: S('a'), g: S('x') } }],
      ['PutItem', { TableName: T, Item: { p: S('b') } }],
      ['UpdateTable', { TableName: T, GlobalSecondaryIndexUpdates: [{ Create: index('by-g', 'g:S') }] }],
      [
        'UpdateTable',
        {
          TableName: T,
          AttributeDefinitions: ['p:S', 'g:S', 'z:S'].map(definition),
          GlobalSecondaryIndexUpdates: [{ Create: index('by-g', 'g:S') }],
        },
      ],
      ['UpdateTable', { TableName: T, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'by-g' } }] }],
      ['UpdateTable', { TableName: T, GlobalSecondaryIndexUpdates: [] }],
      ['UpdateTable', { TableName: T, GlobalSecondaryIndexUpdates: [{}] }],
      [
        'UpdateTable',
        {
          TableName: T,
          AttributeDefinitions: ['p:S', 'g:S'].map(definition),
          GlobalSecondaryIndexUpdates: [{ Create: index('by-g', 'g:S') }, { Create: index('by-h', 'g:S') }],
        },
      ],
    ],
  },
];

import { type Call, N, S, type Scenario, SS, table } from './scenario.ts';

const T = 'conf-several';
const U = 'conf-several-2';
const TABLES = [table(T, 'p:S', 'r:N'), table(U, 'id:S')];
const at = (r: number, p = 'x') => ({ p: S(p), r: N(r) });
const put = (item: object, more: object = {}) => ({ Put: { TableName: T, Item: item, ...more } });
const write = (...items: object[]): Call => ['TransactWriteItems', { TransactItems: items }];
const read = (...Keys: object[]): Call => ['BatchGetItem', { RequestItems: { [T]: { Keys, ConsistentRead: true } } }];
const many = <R>(count: number, make: (i: number) => R): R[] => Array.from({ length: count }, (_, i) => make(i));
const V = { ':v': N(1) };

export const several: readonly Scenario[] = [
  {
    name: 'batches of writes',
    says: 'BatchWriteItem: "a single call … can transmit up to 16MB of data over the network, consisting of up to 25 item put or delete operations"; "You try to perform multiple operations on the same item in the same BatchWriteItem request"',
    tables: TABLES,
    calls: [
      [
        'BatchWriteItem',
        {
          RequestItems: {
            [T]: [{ PutRequest: { Item: at(1) } }, { PutRequest: { Item: { ...at(2), a: N(2) } } }],
            [U]: [{ PutRequest: { Item: { id: S('u') } } }],
          },
        },
      ],
      [
        'BatchWriteItem',
        {
          RequestItems: { [T]: [{ DeleteRequest: { Key: at(1) } }, { PutRequest: { Item: at(3) } }] },
          ReturnConsumedCapacity: 'TOTAL',
        },
      ],
      [
        'BatchWriteItem',
        {
          RequestItems: { [T]: [{ DeleteRequest: { Key: at(2) } }, { PutRequest: { Item: at(4) } }] },
          ReturnConsumedCapacity: 'INDEXES',
          ReturnItemCollectionMetrics: 'SIZE',
        },
      ],
      ['BatchWriteItem', { RequestItems: { [T]: many(26, (i) => ({ PutRequest: { Item: at(i) } })) } }],
      ['BatchWriteItem', { RequestItems: { [T]: many(25, (i) => ({ PutRequest: { Item: at(i) } })) } }],
      [
        'BatchWriteItem',
        {
          RequestItems: {
            [T]: many(20, (i) => ({ PutRequest: { Item: at(i) } })),
            [U]: many(6, (i) => ({ PutRequest: { Item: { id: S(`${i}`) } } })),
          },
        },
      ],
      ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: { Item: at(1) } }, { PutRequest: { Item: at(1) } }] } }],
      [
        'BatchWriteItem',
        {
          RequestItems: {
            [T]: [{ PutRequest: { Item: at(1) } }, { DeleteRequest: { Key: { p: S('x'), r: N('1.0') } } }],
          },
        },
      ],
      ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: { Item: at(1) }, DeleteRequest: { Key: at(2) } }] } }],
      ['BatchWriteItem', { RequestItems: { [T]: [{}] } }],
      ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: {} }] } }],
      ['BatchWriteItem', { RequestItems: { [T]: [{ DeleteRequest: {} }] } }],
      ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: { Item: { p: S('x') } } }] } }],
      ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: { Item: { p: S(''), r: N(1) } } }] } }],
      ['BatchWriteItem', { RequestItems: { [T]: [{ DeleteRequest: { Key: { p: S('x'), r: N(1), z: N(1) } } }] } }],
      [
        'BatchWriteItem',
        { RequestItems: { [T]: [{ PutRequest: { Item: { ...at(1), big: S('x'.repeat(410_000)) } } }] } },
      ],
      ['BatchWriteItem', { RequestItems: { [T]: [{ PutRequest: { Item: { ...at(1), bad: SS() } } }] } }],
      read(at(1), at(2), at(3), at(77)),
    ],
  },
  {
    name: 'batches of reads',
    says: 'BatchGetItem: "A single operation can retrieve up to 16 MB of data, which can contain as many as 100 items"; "Provided list of item keys contains duplicates"',
    tables: TABLES,
    calls: [
      ['PutItem', { TableName: T, Item: { ...at(1), a: S('one'), b: N(1) } }],
      read(at(1)),
      read(at(9)),
      read(at(1), at(1)),
      read(at(1), { p: S('x'), r: N('1.0') }),
      ['BatchGetItem', { RequestItems: { [T]: { Keys: [at(1)], ProjectionExpression: 'a' } } }],
      [
        'BatchGetItem',
        {
          RequestItems: {
            [T]: { Keys: [at(1)], ProjectionExpression: '#a, b', ExpressionAttributeNames: { '#a': 'a' } },
            [U]: { Keys: [{ id: S('none') }] },
          },
        },
      ],
      [
        'BatchGetItem',
        { RequestItems: { [T]: { Keys: [at(1)], AttributesToGet: ['b'] } }, ReturnConsumedCapacity: 'TOTAL' },
      ],
      [
        'BatchGetItem',
        { RequestItems: { [T]: { Keys: [at(1), at(2)], ConsistentRead: true } }, ReturnConsumedCapacity: 'INDEXES' },
      ],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: many(101, (i) => at(i)) } } }],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: many(100, (i) => at(i)) } } }],
      [
        'BatchGetItem',
        {
          RequestItems: { [T]: { Keys: many(60, (i) => at(i)) }, [U]: { Keys: many(60, (i) => ({ id: S(`${i}`) })) } },
        },
      ],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: [{ p: S('x') }] } } }],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: [{ p: S('x'), r: S('1') }] } } }],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: [{}] } } }],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: [at(1)], ProjectionExpression: 'a,' } } }],
      ['BatchGetItem', { RequestItems: { [T]: { Keys: [at(1)], ProjectionExpression: 'a', AttributesToGet: ['b'] } } }],
    ],
  },
  {
    name: 'transactions that are whole',
    says: 'TransactWriteItems: "a synchronous write operation that groups up to 100 action requests … The actions are completed atomically so that either all of them succeed, or all of them fail."',
    tables: TABLES,
    calls: [
      write(put(at(1)), put({ ...at(2), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' }), {
        Put: { TableName: U, Item: { id: S('u') } },
      }),
      read(at(1), at(2)),
      write(
        { Update: { TableName: T, Key: at(2), UpdateExpression: 'SET a = a + :v', ExpressionAttributeValues: V } },
        { Delete: { TableName: T, Key: at(1) } },
        { ConditionCheck: { TableName: U, Key: { id: S('u') }, ConditionExpression: 'attribute_exists(id)' } },
      ),
      read(at(1), at(2)),
      ['TransactWriteItems', { TransactItems: [put(at(3)), put(at(4))], ReturnConsumedCapacity: 'TOTAL' }],
      [
        'TransactWriteItems',
        {
          TransactItems: [put(at(3)), put(at(4))],
          ReturnConsumedCapacity: 'INDEXES',
          ReturnItemCollectionMetrics: 'SIZE',
        },
      ],
      [
        'TransactGetItems',
        {
          TransactItems: [
            { Get: { TableName: T, Key: at(2) } },
            { Get: { TableName: T, Key: at(99) } },
            { Get: { TableName: U, Key: { id: S('u') }, ProjectionExpression: 'id' } },
          ],
        },
      ],
      [
        'TransactGetItems',
        {
          TransactItems: [
            { Get: { TableName: T, Key: at(2), ProjectionExpression: '#a', ExpressionAttributeNames: { '#a': 'a' } } },
          ],
          ReturnConsumedCapacity: 'TOTAL',
        },
      ],
      [
        'TransactGetItems',
        { TransactItems: [{ Get: { TableName: T, Key: at(2) } }, { Get: { TableName: T, Key: at(2) } }] },
      ],
      ['TransactGetItems', { TransactItems: [{ Get: { TableName: T, Key: { p: S('x') } } }] }],
      ['TransactGetItems', { TransactItems: [{ Get: { TableName: T, Key: at(2), ProjectionExpression: 'a,' } }] }],
      ['TransactGetItems', { TransactItems: [{}] }],
      ['TransactGetItems', { TransactItems: many(101, (i) => ({ Get: { TableName: T, Key: at(i) } })) }],
      write(...many(100, (i) => put(at(i + 1000)))),
      write(...many(101, (i) => put(at(i + 1000)))),
    ],
  },
  {
    name: 'transactions that are cancelled',
    says: 'TransactionCanceledException: "If using Java … cancellation reasons are ordered in the order of requested items, if an item has no error it will have None code and Null message."',
    tables: TABLES,
    calls: [
      ['PutItem', { TableName: T, Item: { ...at(1), a: S('text'), l: { L: [] } } }],
      write(put(at(1), { ConditionExpression: 'attribute_not_exists(p)' })),
      write(put(at(2)), put(at(1), { ConditionExpression: 'attribute_not_exists(p)' }), put(at(3))),
      write(
        put(at(1), { ConditionExpression: 'attribute_not_exists(p)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      ),
      write(
        put(at(9), { ConditionExpression: 'attribute_exists(p)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
        put(at(8), { ConditionExpression: 'attribute_exists(p)' }),
      ),
      write({
        ConditionCheck: {
          TableName: T,
          Key: at(1),
          ConditionExpression: 'a = :v',
          ExpressionAttributeValues: V,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      }),
      write({
        Delete: {
          TableName: T,
          Key: at(1),
          ConditionExpression: 'a = :v',
          ExpressionAttributeValues: V,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      }),
      write({
        Update: {
          TableName: T,
          Key: at(1),
          UpdateExpression: 'SET b = :v',
          ConditionExpression: 'a = :v',
          ExpressionAttributeValues: V,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      }),
      write({ Update: { TableName: T, Key: at(1), UpdateExpression: 'SET a = a + :v', ExpressionAttributeValues: V } }),
      write(put(at(2)), {
        Update: { TableName: T, Key: at(1), UpdateExpression: 'SET nope.a = :v', ExpressionAttributeValues: V },
      }),
      write({ Update: { TableName: T, Key: at(1), UpdateExpression: 'SET b = nope' } }),
      write({ Update: { TableName: T, Key: at(1), UpdateExpression: 'SET p = :v', ExpressionAttributeValues: V } }),
      write({ Update: { TableName: T, Key: at(1), UpdateExpression: 'SET b =' } }),
      write({ Update: { TableName: T, Key: at(1) } }),
      write({ Update: { TableName: T, Key: at(1), UpdateExpression: '' } }),
      write({ ConditionCheck: { TableName: T, Key: at(1) } }),
      write({ ConditionCheck: { TableName: T, Key: at(1), ConditionExpression: '' } }),
      write(put(at(1)), put(at(1))),
      write(put(at(1)), { Delete: { TableName: T, Key: at(1) } }),
      write(put(at(1)), { ConditionCheck: { TableName: T, Key: at(1), ConditionExpression: 'attribute_exists(p)' } }),
      write({}),
      write({ Put: { TableName: T, Item: at(1) }, Delete: { TableName: T, Key: at(2) } }),
      write({ Put: { TableName: T } }),
      write({ Put: { Item: at(1) } }),
      write(put({ p: S('x') })),
      write(put({ p: S('x'), r: S('1') })),
      write(put({ p: S(''), r: N(1) })),
      write(put(at(2)), put({ p: S('x') })),
      write({ Delete: { TableName: T, Key: { p: S('x') } } }),
      write({ Delete: { TableName: T, Key: { p: S('x'), r: N(1), z: N(1) } } }),
      write(put({ ...at(1), bad: { N: 'x' } })),
      write(put({ ...at(1), bad: {} })),
      write(put({ ...at(1), big: S('x'.repeat(410_000)) })),
      write(put(at(1), { ConditionExpression: 'a = :nope' })),
      write(put(at(1), { ConditionExpression: 'a = :v', ExpressionAttributeValues: { ...V, ':unused': N(1) } })),
      write(put(at(1), { ReturnValuesOnConditionCheckFailure: 'OLD' })),
      write({
        Update: {
          TableName: T,
          Key: at(5),
          UpdateExpression: 'SET s = :s',
          ExpressionAttributeValues: { ':s': S('x'.repeat(410_000)) },
        },
      }),
      write(...many(11, (i) => put({ ...at(i + 100), s: S('x'.repeat(390_000)) }))),
      write(...many(10, (i) => put({ ...at(i + 100), s: S('x'.repeat(390_000)) }))),
      [
        'TransactGetItems',
        { TransactItems: many(10, (i) => ({ Get: { TableName: T, Key: at(i + 100), ProjectionExpression: 'r' } })) },
      ],
      read(at(1), at(2)),
    ],
  },
  {
    name: 'idempotent transactions',
    says: 'ClientRequestToken: "Providing a ClientRequestToken makes the call to TransactWriteItems idempotent … If you submit a request with the same client token but a change in other parameters within the 10-minute idempotency window, DynamoDB returns an IdempotentParameterMismatch exception."',
    tables: TABLES,
    calls: [
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-1',
          TransactItems: [put({ ...at(1), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-1',
          TransactItems: [put({ ...at(1), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-1',
          ReturnConsumedCapacity: 'TOTAL',
          TransactItems: [put({ ...at(1), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-1',
          TransactItems: [put({ ...at(1), a: N(2) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-2',
          TransactItems: [put({ ...at(1), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      ['DeleteItem', { TableName: T, Key: at(1) }],
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-2',
          TransactItems: [put({ ...at(1), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      ['DeleteItem', { TableName: T, Key: at(1) }],
      [
        'TransactWriteItems',
        {
          ClientRequestToken: 'token-1',
          TransactItems: [put({ ...at(1), a: N(1) }, { ConditionExpression: 'attribute_not_exists(p)' })],
        },
      ],
      ['GetItem', { TableName: T, Key: at(1) }],
      ['TransactWriteItems', { ClientRequestToken: 'x'.repeat(37), TransactItems: [put(at(1))] }],
      ['TransactWriteItems', { ClientRequestToken: '', TransactItems: [put(at(1))] }],
    ],
  },
];

import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;

beforeEach(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl'));
  s.call('PutItem', { TableName: 'tbl', Item: { ...key('t', 1), n: { N: '1' } } });
});

const put = (r: number, more: Json = {}, item: Json = {}) => ({
  Put: { TableName: 'tbl', Item: { ...key('t', r), ...item }, ...more },
});
const ABSENT = { ConditionExpression: 'attribute_not_exists(p)' };
const transact = (TransactItems: Json, more: Json = {}) => s.call('TransactWriteItems', { TransactItems, ...more });
const item = (r: number) => plain(s.call('GetItem', { TableName: 'tbl', Key: key('t', r) })).Item;

describe('TransactWriteItems', () => {
  it('writes all', () => {
    transact([
      put(2, ABSENT),
      { Update: { TableName: 'tbl', Key: key('t', 1), UpdateExpression: 'SET n = n + n' } },
      { ConditionCheck: { TableName: 'tbl', Key: key('t', 9), ConditionExpression: 'attribute_not_exists(p)' } },
      { Delete: { TableName: 'tbl', Key: key('t', 8) } },
    ]);
    expect(item(1).n).toEqual({ N: '2' });
    expect(item(2)).toEqual(key('t', 2));
    expect(item(9)).toBeUndefined();
  });

  it('or none, with a reason for each action and the item that was in the way', () => {
    const all = { ...ABSENT, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    const error = failure(() =>
      transact([
        put(2),
        put(1, all),
        put(3),
        {
          ConditionCheck: {
            TableName: 'tbl',
            Key: key('t', 5),
            ConditionExpression: 'attribute_exists(p)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        { Delete: { TableName: 'tbl', Key: key('t', 6), ConditionExpression: 'attribute_exists(p)' } },
      ]),
    );
    const failed = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };
    expect(error.code).toBe('TransactionCanceledException');
    expect(error.message).toBe(
      'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None, ConditionalCheckFailed, ConditionalCheckFailed]',
    );
    expect(plain(error.fields.CancellationReasons)).toEqual([
      { Code: 'None' },
      { Item: { ...key('t', 1), n: { N: '1' } }, ...failed },
      { Code: 'None' },
      failed,
      failed,
    ]);
    expect([item(2), item(3)]).toEqual([undefined, undefined]);
  });

  it('tells what an item does not bear, or the schema, as the reason of the action', () => {
    const reasons = (actions: Json) => plain(failure(() => transact(actions)).fields.CancellationReasons);
    expect(
      reasons([put(2), { Update: { TableName: 'tbl', Key: key('t', 1), UpdateExpression: 'SET n = zz' } }]),
    ).toEqual([
      { Code: 'None' },
      {
        Code: 'ValidationError',
        Message: 'The provided expression refers to an attribute that does not exist in the item',
      },
    ]);
    expect(reasons([{ Delete: { TableName: 'tbl', Key: { p: { S: 't' } } } }])).toEqual([
      { Code: 'ValidationError', Message: 'The provided key element does not match the schema' },
    ]);
    expect(reasons([put(2), { Put: { TableName: 'tbl', Item: { p: { S: 't' } } } }])[1].Message).toBe(
      'One or more parameter values were invalid: Missing the key r in the item',
    );
    expect(item(2)).toBeUndefined();
  });

  it.each<[string, Json, Json]>([
    [
      'two actions on one item',
      [put(2), { Delete: { TableName: 'tbl', Key: { p: { S: 't' }, r: { N: '2.0' } } } }],
      'Transaction request cannot include multiple operations on one item',
    ],
    [
      'no action',
      [],
      "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    ['an empty action', [{}], 'Invalid Request: TransactWriteRequest should contain Delete or Put or Update request'],
    [
      'an action that is two',
      [{ ...put(2), Delete: { TableName: 'tbl', Key: key('t', 2) } }],
      'TransactItems can only contain one of Check, Put, Update or Delete',
    ],
    [
      'a check without a condition',
      [{ ConditionCheck: { TableName: 'tbl', Key: key('t', 1) } }],
      "1 validation error detected: Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null",
    ],
    [
      'an undefined value',
      [put(2, { ConditionExpression: 'a = :x' })],
      'Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :x',
    ],
    [
      'an item over 400 KB',
      [put(2, {}, { d: { S: 'x'.repeat(409_600) } })],
      'Item size has exceeded the maximum allowed size',
    ],
    [
      'more than 4 MB',
      Array.from({ length: 12 }, (_, i) => put(i + 2, {}, { d: { S: 'x'.repeat(380_000) } })),
      'Transaction payload size cannot exceed 4MB. Payload Size: 4560072',
    ],
  ])('refuses %s', (_, actions, message) => {
    expect(failure(() => transact(actions))).toMatchObject({ code: 'ValidationException', message });
  });

  it('takes 100 actions, not 101', () => {
    const actions = (count: number) => Array.from({ length: count }, (_, i) => put(i + 2));
    expect(failure(() => transact(actions(101))).message).toMatch(/Member must have length less than or equal to 100$/);
    transact(actions(100));
    expect(item(101)).toBeDefined();
  });

  it('refuses a table that is not there', () => {
    const actions = [put(2), { Delete: { TableName: 'nope', Key: key('t', 1) } }];
    expect(failure(() => transact(actions)).code).toBe('ResourceNotFoundException');
    expect(item(2)).toBeUndefined();
  });
});

describe('ClientRequestToken', () => {
  const add = (n: string) => [
    {
      Update: {
        TableName: 'tbl',
        Key: key('t', 1),
        UpdateExpression: 'ADD n :n',
        ExpressionAttributeValues: { ':n': { N: n } },
      },
    },
  ];

  it('makes a repeat do nothing for ten minutes', async () => {
    const more = { ClientRequestToken: 'token', ReturnConsumedCapacity: 'TOTAL' };
    expect(transact(add('1'), more)).toEqual({ ConsumedCapacity: [{ TableName: 'tbl', CapacityUnits: 2 }] });
    await s.kernel.run(s.kernel.clock.now() + 9 * 60_000);
    expect(transact(add('1'), more)).toEqual({ ConsumedCapacity: [{ TableName: 'tbl', CapacityUnits: 2 }] });
    expect(item(1).n).toEqual({ N: '2' });
    expect(failure(() => transact(add('5'), more))).toMatchObject({ code: 'IdempotentParameterMismatchException' });
    await s.kernel.run(s.kernel.clock.now() + 2 * 60_000);
    transact(add('5'), more);
    expect(item(1).n).toEqual({ N: '7' });
  });

  it('of a transaction that was cancelled is free again', () => {
    const actions = [put(1, ABSENT)];
    expect(failure(() => transact(actions, { ClientRequestToken: 'token' })).code).toBe('TransactionCanceledException');
    s.call('DeleteItem', { TableName: 'tbl', Key: key('t', 1) });
    transact(actions, { ClientRequestToken: 'token' });
    expect(item(1)).toEqual(key('t', 1));
  });

  it('has 36 characters at the most', () => {
    expect(failure(() => transact(add('1'), { ClientRequestToken: 'x'.repeat(37) })).code).toBe('ValidationException');
  });
});

describe('TransactGetItems', () => {
  const get = (TransactItems: Json, more: Json = {}) => s.call('TransactGetItems', { TransactItems, ...more });

  it('reads all at once, at twice the price', () => {
    const output = get(
      [
        {
          Get: {
            TableName: 'tbl',
            Key: key('t', 1),
            ProjectionExpression: '#n',
            ExpressionAttributeNames: { '#n': 'n' },
          },
        },
        { Get: { TableName: 'tbl', Key: key('none', 1) } },
      ],
      { ReturnConsumedCapacity: 'TOTAL' },
    );
    expect(plain(output)).toEqual({
      ConsumedCapacity: [{ TableName: 'tbl', CapacityUnits: 4 }],
      Responses: [{ Item: { n: { N: '1' } } }, {}],
    });
  });

  it('refuses the same item twice, and a key that does not fit', () => {
    const one = { Get: { TableName: 'tbl', Key: key('t', 1) } };
    expect(failure(() => get([one, one])).message).toBe(
      'Transaction request cannot include multiple operations on one item',
    );
    const error = failure(() => get([one, { Get: { TableName: 'tbl', Key: { p: { S: 't' } } } }]));
    expect(error.code).toBe('TransactionCanceledException');
    expect(error.fields.CancellationReasons[1].Code).toBe('ValidationError');
  });
});

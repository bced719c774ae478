import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;

beforeEach(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl'));
});

const put = (Item: Json, more: Json = {}) => s.call('PutItem', { TableName: 'tbl', Item, ...more });
const get = (r: number, more: Json = {}) => plain(s.call('GetItem', { TableName: 'tbl', Key: key('a', r), ...more }));

describe('PutItem', () => {
  it('replaces the whole item and can return the old one', () => {
    put({ ...key('a', 1), x: { N: '1.50' } });
    expect(plain(put({ ...key('a', 1), y: { S: 'new' } }, { ReturnValues: 'ALL_OLD' }))).toEqual({
      Attributes: { ...key('a', 1), x: { N: '1.5' } },
    });
    expect(get(1)).toEqual({ Item: { ...key('a', 1), y: { S: 'new' } } });
    expect(put(key('a', 2), { ReturnValues: 'ALL_OLD' })).toEqual({});
  });

  it('finds equal numbers under one key', () => {
    put({ p: { S: 'a' }, r: { N: '1E1' }, x: { S: 'one' } });
    put({ p: { S: 'a' }, r: { N: '10.0' }, x: { S: 'two' } });
    expect(get(10).Item.x).toEqual({ S: 'two' });
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(1);
  });

  it('tells a failed condition, and on demand the item that failed it', () => {
    put({ ...key('a', 1), x: { S: 'winner' } });
    const again = { ConditionExpression: 'attribute_not_exists(p)' };
    expect(failure(() => put(key('a', 1), again))).toEqual({
      code: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      fields: {},
    });
    const all = { ...again, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    expect(plain(failure(() => put(key('a', 1), all)).fields)).toEqual({
      Item: { ...key('a', 1), x: { S: 'winner' } },
    });
    const absent = { ConditionExpression: 'attribute_exists(p)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    expect(failure(() => put(key('a', 2), absent)).fields).toEqual({});
  });

  it.each<[Json, string]>([
    [{ p: { S: 'a' } }, 'One or more parameter values were invalid: Missing the key r in the item'],
    [
      { p: { N: '1' }, r: { N: '1' } },
      'One or more parameter values were invalid: Type mismatch for key p expected: S actual: N',
    ],
    [
      key('', 1),
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p',
    ],
    [
      key('x'.repeat(2049), 1),
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
    [
      key('ä'.repeat(1025), 1),
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
    [{ ...key('a', 1), d: { S: 'x'.repeat(409_600) } }, 'Item size has exceeded the maximum allowed size'],
  ])('refuses an item', (item, message) => {
    expect(failure(() => put(item))).toMatchObject({ code: 'ValidationException', message });
  });

  it('takes an item of exactly 400 KB, counted as AWS counts', () => {
    const rest = 409_600 - 'p'.length - 'a'.length - 'r'.length - 2 - 'd'.length;
    put({ ...key('a', 1), d: { S: 'x'.repeat(rest) } });
    expect(failure(() => put({ ...key('a', 1), d: { S: 'x'.repeat(rest + 1) } })).message).toBe(
      'Item size has exceeded the maximum allowed size',
    );
    expect(s.call('DescribeTable', { TableName: 'tbl' }).Table).toMatchObject({
      ItemCount: 1,
      TableSizeBytes: 409_600,
    });
  });

  it.each<[Json, string]>([
    [
      {},
      "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy constraint: Member must not be null",
    ],
    [{ TableName: 'tbl', Item: key('a', 1), ReturnValues: 'UPDATED_NEW' }, 'ReturnValues can only be ALL_OLD or NONE'],
    [
      { TableName: 'tbl', Item: key('a', 1), ReturnValues: 'X' },
      "1 validation error detected: Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW]",
    ],
    [
      { TableName: 'a', Item: key('a', 1) },
      "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'",
    ],
    [
      { TableName: 'tbl', Item: key('a', 1), ConditionalOperator: 'OR' },
      'ConditionalOperator cannot be used without Filter or Expected',
    ],
  ])('refuses %j', (input, message) => {
    expect(failure(() => s.call('PutItem', input)).message).toBe(message);
  });
});

describe('Expected', () => {
  it('is the condition of older programs', () => {
    put({ ...key('a', 1), x: { S: 'one' }, n: { N: '5' } });
    const again = (Expected: Json, more: Json = {}) =>
      put({ ...key('a', 1), x: { S: 'one' }, n: { N: '5' } }, { Expected, ...more });
    again({ x: { Value: { S: 'one' } } });
    again({ gone: { Exists: false } });
    again({ n: { ComparisonOperator: 'BETWEEN', AttributeValueList: [{ N: '1' }, { N: '9' }] } });
    again(
      { n: { ComparisonOperator: 'GT', AttributeValueList: [{ N: '7' }] }, x: { ComparisonOperator: 'NOT_NULL' } },
      { ConditionalOperator: 'OR' },
    );
    for (const Expected of [
      { x: { Value: { S: 'two' } } },
      { x: { Exists: false } },
      { x: { ComparisonOperator: 'NULL' } },
      { x: { ComparisonOperator: 'IN', AttributeValueList: [{ S: 'two' }] } },
      { n: { ComparisonOperator: 'GT', AttributeValueList: [{ N: '7' }] }, x: { ComparisonOperator: 'NOT_NULL' } },
    ]) {
      expect(failure(() => again(Expected)).code).toBe('ConditionalCheckFailedException');
    }
  });

  it.each<[Json, string]>([
    [{ Exists: true }, 'Value must be provided when Exists is true for Attribute: a'],
    [{}, 'Value must be provided when Exists is null for Attribute: a'],
    [{ Exists: false, Value: { S: 'x' } }, 'Value cannot be used when Exists is false for Attribute: a'],
    [
      { ComparisonOperator: 'EQ' },
      'Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a',
    ],
    [
      { ComparisonOperator: 'BETWEEN', AttributeValueList: [{ S: 'x' }] },
      'Invalid number of argument(s) for the BETWEEN ComparisonOperator',
    ],
    [
      { AttributeValueList: [{ S: 'x' }] },
      'AttributeValueList can only be used with a ComparisonOperator for Attribute: a',
    ],
  ])('refuses %j', (expectation, message) => {
    expect(failure(() => put(key('a', 1), { Expected: { a: expectation } })).message).toBe(
      `One or more parameter values were invalid: ${message}`,
    );
  });
});

describe('GetItem', () => {
  beforeEach(() =>
    put({
      ...key('a', 1),
      l: { L: [{ S: 'x' }, { M: { k: { N: '1' }, z: { N: '2' } } }, { S: 'y' }] },
      m: { M: { a: { S: 'b' } } },
    }),
  );

  it('projects paths, closing up lists', () => {
    expect(get(1, { ProjectionExpression: 'l[2], l[1].k, l[9], m.a, m.gone' })).toEqual({
      Item: { l: { L: [{ M: { k: { N: '1' } } }, { S: 'y' }] }, m: { M: { a: { S: 'b' } } } },
    });
    expect(get(1, { ProjectionExpression: 'nothing' })).toEqual({ Item: {} });
    expect(get(1, { AttributesToGet: ['p'] })).toEqual({ Item: { p: { S: 'a' } } });
    expect(get(2)).toEqual({});
  });

  it('costs half when it may be stale', () => {
    const capacity = (more: Json) => get(1, { ReturnConsumedCapacity: 'INDEXES', ...more }).ConsumedCapacity;
    expect(capacity({})).toEqual({ TableName: 'tbl', CapacityUnits: 0.5, Table: { CapacityUnits: 0.5 } });
    expect(capacity({ ConsistentRead: true }).CapacityUnits).toBe(1);
  });

  it('takes the table by its ARN', () => {
    const TableName = 'arn:aws:dynamodb:us-east-1:000000000000:table/tbl';
    expect(s.call('GetItem', { TableName, Key: key('a', 1) }).Item).toBeDefined();
    expect(
      failure(() => s.call('GetItem', { TableName: TableName.replace('us-east-1', 'eu-west-1'), Key: key('a', 1) }))
        .code,
    ).toBe('ResourceNotFoundException');
  });

  it.each<[Json, string]>([
    [{ Key: { p: { S: 'a' } } }, 'The provided key element does not match the schema'],
    [{ Key: { p: { S: 'a' }, r: { S: '1' } } }, 'The provided key element does not match the schema'],
    [{ Key: { ...key('a', 1), z: { S: '1' } } }, 'The provided key element does not match the schema'],
    [
      { ProjectionExpression: 'p,p' },
      'Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [p], path two: [p]',
    ],
    [
      { ProjectionExpression: 'x.a,x[0]' },
      'Invalid ProjectionExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [x, a], path two: [x, [0]]',
    ],
    [{ ProjectionExpression: 'p,' }, 'Invalid ProjectionExpression: Syntax error; token: "<EOF>", near: ","'],
    [{ ProjectionExpression: 'size(p)' }, 'Invalid ProjectionExpression: Syntax error; token: "(", near: "size(p"'],
    [{ ProjectionExpression: '' }, 'Invalid ProjectionExpression: The expression can not be empty;'],
  ])('refuses %j', (more, message) => {
    expect(failure(() => get(1, more)).message).toBe(message);
  });
});

describe('DeleteItem', () => {
  it('deletes once, and can return what it deleted', () => {
    put({ ...key('a', 1), x: { S: 'y' } });
    const remove = () => plain(s.call('DeleteItem', { TableName: 'tbl', Key: key('a', 1), ReturnValues: 'ALL_OLD' }));
    expect(remove()).toEqual({ Attributes: { ...key('a', 1), x: { S: 'y' } } });
    expect(remove()).toEqual({});
    expect(get(1)).toEqual({});
  });
});

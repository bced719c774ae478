import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;

beforeEach(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl'));
  s.call('CreateTable', tableInput('two'));
});

const puts = (count: number, more: Json = {}) =>
  Array.from({ length: count }, (_, i) => ({ PutRequest: { Item: { ...key('a', i), ...more } } }));
const write = (RequestItems: Json, more: Json = {}) => s.call('BatchWriteItem', { RequestItems, ...more });
const read = (RequestItems: Json, more: Json = {}) => plain(s.call('BatchGetItem', { RequestItems, ...more }));
const keys = (count: number) => Array.from({ length: count }, (_, i) => key('a', i));

describe('BatchWriteItem', () => {
  it('puts and deletes in several tables', () => {
    write({ tbl: puts(3), two: puts(1) });
    const output = write(
      { tbl: [{ DeleteRequest: { Key: key('a', 0) } }, { PutRequest: { Item: key('b', 1) } }] },
      { ReturnConsumedCapacity: 'TOTAL' },
    );
    expect(output).toEqual({ UnprocessedItems: {}, ConsumedCapacity: [{ TableName: 'tbl', CapacityUnits: 2 }] });
    expect([s.call('Scan', { TableName: 'tbl' }).Count, s.call('Scan', { TableName: 'two' }).Count]).toEqual([3, 1]);
  });

  it.each<[string, Json, string]>([
    ['26 writes', { tbl: puts(20), two: puts(6) }, 'Too many items requested for the BatchWriteItem call'],
    [
      'one item twice',
      { tbl: [...puts(1), { DeleteRequest: { Key: key('a', 0) } }] },
      'Provided list of item keys contains duplicates',
    ],
    [
      'an empty request',
      { tbl: [{}] },
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ],
    [
      'a missing key',
      { tbl: [{ PutRequest: { Item: { p: { S: 'a' } } } }] },
      'One or more parameter values were invalid: Missing the key r in the item',
    ],
    [
      'a large item',
      { tbl: puts(1, { d: { S: 'x'.repeat(410_000) } }) },
      'Item size has exceeded the maximum allowed size',
    ],
    [
      'no requests',
      {},
      "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
  ])('refuses %s, and writes nothing', (_, requests, message) => {
    expect(failure(() => write(requests))).toMatchObject({ code: 'ValidationException', message });
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(0);
  });

  it('refuses a table that is not there', () => {
    expect(failure(() => write({ tbl: puts(1), nope: puts(1) })).code).toBe('ResourceNotFoundException');
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(0);
  });
});

describe('BatchGetItem', () => {
  it('finds what there is', () => {
    write({ tbl: puts(2, { x: { S: 'y' } }), two: puts(1) });
    expect(
      read(
        { tbl: { Keys: keys(3), ProjectionExpression: 'r', ConsistentRead: true }, two: { Keys: keys(1) } },
        { ReturnConsumedCapacity: 'TOTAL' },
      ),
    ).toEqual({
      Responses: { tbl: [{ r: { N: '0' } }, { r: { N: '1' } }], two: [key('a', 0)] },
      UnprocessedKeys: {},
      ConsumedCapacity: [
        { TableName: 'tbl', CapacityUnits: 3 },
        { TableName: 'two', CapacityUnits: 0.5 },
      ],
    });
  });

  it('leaves keys over when the answer grows beyond 16 MB', () => {
    // The example of the API reference: of 100 items of 300 KB each, 52 come back.
    const data = { S: 'x'.repeat(300 * 1024 - 6) };
    for (let i = 0; i < 100; i++) s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', i), d: data } });
    const first = read({ tbl: { Keys: keys(100), ProjectionExpression: 'r' } });
    expect(first.Responses.tbl).toHaveLength(52);
    expect(first.UnprocessedKeys.tbl.ProjectionExpression).toBe('r');
    const rest = read(first.UnprocessedKeys);
    expect(rest.UnprocessedKeys).toEqual({});
    expect([...first.Responses.tbl, ...rest.Responses.tbl].map(({ r }: Json) => Number(r.N))).toEqual(
      keys(100).map((_, i) => i),
    );
  });

  it.each<[string, Json, string]>([
    ['101 keys', { tbl: { Keys: keys(101) } }, 'Too many items requested for the BatchGetItem call'],
    [
      'a key twice',
      { tbl: { Keys: [key('a', 1), { p: { S: 'a' }, r: { N: '1.0' } }] } },
      'Provided list of item keys contains duplicates',
    ],
    [
      'a key that does not fit',
      { tbl: { Keys: [{ p: { S: 'a' } }] } },
      'The provided key element does not match the schema',
    ],
  ])('refuses %s', (_, requests, message) => {
    expect(failure(() => read(requests))).toMatchObject({ code: 'ValidationException', message });
  });
});

describe('a fault', () => {
  it('can leave requests and keys unprocessed, to be sent again', () => {
    let turn = 0;
    s.db.setFaults({ leaves: () => turn++ % 2 === 0 });
    let items: Json = { tbl: puts(5) };
    for (let rounds = 0; Object.keys(items).length > 0; rounds++) {
      expect(rounds).toBeLessThan(5);
      items = write(items).UnprocessedItems;
    }
    let left: Json = { tbl: { Keys: keys(5) } };
    const found: Json[] = [];
    while (Object.keys(left).length > 0) {
      const output = read(left);
      found.push(...output.Responses.tbl);
      left = output.UnprocessedKeys;
    }
    expect(found).toHaveLength(5);
    expect(turn).toBeGreaterThan(10);
  });
});

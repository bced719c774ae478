import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;
const INDEXED = {
  KeySchema: [
    { AttributeName: 'p', KeyType: 'HASH' },
    { AttributeName: 'r', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'p', AttributeType: 'S' },
    { AttributeName: 'r', AttributeType: 'S' },
    { AttributeName: 'g', AttributeType: 'S' },
    { AttributeName: 'h', AttributeType: 'N' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'gsi',
      KeySchema: [
        { AttributeName: 'g', KeyType: 'HASH' },
        { AttributeName: 'h', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
    {
      IndexName: 'inc',
      KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['x'] },
    },
  ],
  LocalSecondaryIndexes: [
    {
      IndexName: 'lsi',
      KeySchema: [
        { AttributeName: 'p', KeyType: 'HASH' },
        { AttributeName: 'h', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
};

beforeAll(() => {
  s = setup();
  s.call('CreateTable', tableInput('nums'));
  for (const n of ['-10', '-1.5', '0', '1', '2', '10', '100']) {
    s.call('PutItem', { TableName: 'nums', Item: { p: { S: 'a' }, r: { N: n }, x: { S: `x${n}` } } });
  }
  s.call('CreateTable', tableInput('idx', INDEXED));
  for (let i = 1; i <= 7; i++) {
    const h = i % 2 === 1 ? { h: { N: String(i % 3) } } : {};
    const Item = { p: { S: `k${i % 3}` }, r: { S: `r${i}` }, g: { S: 'g' }, ...h, x: { S: `x${i}` }, y: { S: 'y' } };
    s.call('PutItem', { TableName: 'idx', Item });
  }
});

function nums(condition: string, values: Json = {}, more: Json = {}): string[] {
  const output = s.call('Query', {
    TableName: 'nums',
    KeyConditionExpression: `p = :p${condition}`,
    ExpressionAttributeValues: { ':p': { S: 'a' }, ...values },
    ...more,
  });
  return output.Items.map(({ r }: Json) => r.N);
}

describe('ranges', () => {
  const V = (n: string) => ({ ':v': { N: n } });
  it.each<[string, Json, string[]]>([
    ['', {}, ['-10', '-1.5', '0', '1', '2', '10', '100']],
    [' and r = :v', V('1.0'), ['1']],
    [' and r < :v', V('0'), ['-10', '-1.5']],
    [' and r <= :v', V('0'), ['-10', '-1.5', '0']],
    [' and r > :v', V('2'), ['10', '100']],
    [' and r >= :v', V('2'), ['2', '10', '100']],
    [' and :v < r', V('2'), ['10', '100']],
    [' and r between :v and :w', { ...V('-1.5'), ':w': { N: '2' } }, ['-1.5', '0', '1', '2']],
    [' and r between :v and :w', { ...V('3'), ':w': { N: '9' } }, []],
    [' and (r = :v)', V('7'), []],
  ])('p = :p%s with %j', (condition, values, expected) => {
    expect(nums(condition, values)).toEqual(expected);
    expect(nums(condition, values, { ScanIndexForward: false })).toEqual([...expected].reverse());
  });

  it('begins_with finds strings', () => {
    const output = s.call('Query', {
      TableName: 'idx',
      KeyConditionExpression: 'p = :p and begins_with(r, :r)',
      ExpressionAttributeValues: { ':p': { S: 'k1' }, ':r': { S: 'r' } },
    });
    expect(output.Items.map(({ r }: Json) => r.S)).toEqual(['r1', 'r4', 'r7']);
  });

  it.each([true, false])('pages give every item once, in order (forward: %s)', (forward) => {
    for (const limit of [1, 2, 3, 7, 8]) {
      const seen: string[] = [];
      let start: Json;
      do {
        const page = s.call('Query', {
          TableName: 'nums',
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': { S: 'a' } },
          Limit: limit,
          ScanIndexForward: forward,
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        });
        expect(page.ScannedCount).toBeLessThanOrEqual(limit);
        seen.push(...page.Items.map(({ r }: Json) => r.N));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      const all = nums('');
      expect(seen).toEqual(forward ? all : all.reverse());
    }
  });

  it('gives a LastEvaluatedKey whenever the limit was reached, even at the end', () => {
    const page = (Limit: number) =>
      s.call('Query', {
        TableName: 'nums',
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'a' } },
        Limit,
      }).LastEvaluatedKey;
    expect(plain(page(7))).toEqual({ p: { S: 'a' }, r: { N: '100' } });
    expect(page(8)).toBeUndefined();
  });

  it('stops at 1 MB, the crossing item included', () => {
    for (let i = 1; i <= 6; i++) {
      s.call('PutItem', { TableName: 'nums', Item: { ...key('big', i), d: { S: 'x'.repeat(300_000) } } });
    }
    const big = (more: Json) =>
      s.call('Query', {
        TableName: 'nums',
        KeyConditionExpression: 'p = :p',
        ExpressionAttributeValues: { ':p': { S: 'big' } },
        ProjectionExpression: 'r',
        ReturnConsumedCapacity: 'TOTAL',
        ...more,
      });
    const first = plain(big({}));
    expect(first).toMatchObject({
      Count: 4,
      LastEvaluatedKey: key('big', 4),
      ConsumedCapacity: { CapacityUnits: 146.5 },
    });
    const second = plain(big({ ExclusiveStartKey: first.LastEvaluatedKey }));
    expect(second.Items).toEqual([{ r: { N: '5' } }, { r: { N: '6' } }]);
    expect(second).not.toHaveProperty('LastEvaluatedKey');
  });

  it('filters after reading', () => {
    const output = s.call('Query', {
      TableName: 'nums',
      KeyConditionExpression: 'p = :p',
      FilterExpression: 'x = :x',
      ExpressionAttributeValues: { ':p': { S: 'a' }, ':x': { S: 'x2' } },
      Limit: 3,
    });
    expect(plain(output)).toEqual({ Items: [], Count: 0, ScannedCount: 3, LastEvaluatedKey: key('a', 0) });
  });

  it('finds each of 100,000 items of a partition', () => {
    for (let i = 0; i < 100_000; i++) s.call('PutItem', { TableName: 'nums', Item: key('many', (i * 7919) % 100_000) });
    const output = s.call('Query', {
      TableName: 'nums',
      KeyConditionExpression: 'p = :p and r between :a and :b',
      ExpressionAttributeValues: { ':p': { S: 'many' }, ':a': { N: '49998' }, ':b': { N: '50001' } },
    });
    expect(output.Items.map(({ r }: Json) => r.N)).toEqual(['49998', '49999', '50000', '50001']);
  });
});

describe('indexes', () => {
  const gsi = (more: Json = {}) =>
    plain(
      s.call('Query', {
        TableName: 'idx',
        IndexName: 'gsi',
        KeyConditionExpression: 'g = :g',
        ExpressionAttributeValues: { ':g': { S: 'g' } },
        ...more,
      }),
    );

  it('are sparse, sorted by their own key, and show what they project', () => {
    const output = gsi({ ReturnConsumedCapacity: 'INDEXES' });
    expect(output.Items.map(({ h }: Json) => h.N)).toEqual(['0', '1', '1', '2']);
    expect(output.Items[0]).toEqual({ p: { S: 'k0' }, r: { S: 'r3' }, g: { S: 'g' }, h: { N: '0' } });
    expect(output.ConsumedCapacity).toEqual({
      TableName: 'idx',
      CapacityUnits: 0.5,
      Table: { CapacityUnits: 0 },
      GlobalSecondaryIndexes: { gsi: { CapacityUnits: 0.5 } },
    });
    const inc = s.call('Query', {
      TableName: 'idx',
      IndexName: 'inc',
      KeyConditionExpression: 'g = :g',
      ExpressionAttributeValues: { ':g': { S: 'g' } },
    });
    expect(inc.Count).toBe(7);
    expect(Object.keys(inc.Items[0]).sort()).toEqual(['g', 'p', 'r', 'x']);
  });

  it.each([true, false])('page through equal keys without loss or repeat (forward: %s)', (forward) => {
    for (const name of ['gsi', 'inc']) {
      const seen: string[] = [];
      let start: Json;
      do {
        const page = s.call('Query', {
          TableName: 'idx',
          IndexName: name,
          KeyConditionExpression: 'g = :g',
          ExpressionAttributeValues: { ':g': { S: 'g' } },
          Limit: 1,
          ScanIndexForward: forward,
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        });
        seen.push(...page.Items.map(({ r }: Json) => r.S));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      const expected = name === 'gsi' ? ['r1', 'r3', 'r5', 'r7'] : ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'];
      expect([...seen].sort()).toEqual(expected);
    }
  });

  it('of the local kind fetch what they do not project, and read consistently', () => {
    const lsi = (more: Json) =>
      plain(
        s.call('Query', {
          TableName: 'idx',
          IndexName: 'lsi',
          KeyConditionExpression: 'p = :p and h > :h',
          ExpressionAttributeValues: { ':p': { S: 'k1' }, ':h': { N: '0' } },
          ReturnConsumedCapacity: 'INDEXES',
          ...more,
        }),
      );
    expect(lsi({ ConsistentRead: true }).Items).toEqual([
      { p: { S: 'k1' }, r: { S: 'r1' }, h: { N: '1' } },
      { p: { S: 'k1' }, r: { S: 'r7' }, h: { N: '1' } },
    ]);
    expect(lsi({ Select: 'ALL_ATTRIBUTES' })).toMatchObject({
      Items: [{ y: { S: 'y' } }, { y: { S: 'y' } }],
      ConsumedCapacity: {
        CapacityUnits: 1.5,
        Table: { CapacityUnits: 1 },
        LocalSecondaryIndexes: { lsi: { CapacityUnits: 0.5 } },
      },
    });
    expect(lsi({ ProjectionExpression: 'y' }).Items).toEqual([{ y: { S: 'y' } }, { y: { S: 'y' } }]);
  });

  it('follow updates and deletes', () => {
    const own = setup();
    own.call('CreateTable', tableInput('idx', INDEXED));
    const count = (name: string, g: string) =>
      own.call('Query', {
        TableName: 'idx',
        IndexName: name,
        KeyConditionExpression: 'g = :g',
        ExpressionAttributeValues: { ':g': { S: g } },
      }).Count;
    const Key = { p: { S: 'a' }, r: { S: 'b' } };
    own.call('PutItem', { TableName: 'idx', Item: { ...Key, g: { S: 'one' } } });
    expect([count('gsi', 'one'), count('inc', 'one')]).toEqual([0, 1]);
    own.call('UpdateItem', {
      TableName: 'idx',
      Key,
      UpdateExpression: 'SET g = :g, h = :h',
      ExpressionAttributeValues: { ':g': { S: 'two' }, ':h': { N: '1' } },
    });
    expect([count('inc', 'one'), count('gsi', 'two'), count('inc', 'two')]).toEqual([0, 1, 1]);
    own.call('UpdateItem', { TableName: 'idx', Key, UpdateExpression: 'REMOVE h' });
    expect([count('gsi', 'two'), count('inc', 'two')]).toEqual([0, 1]);
    own.call('DeleteItem', { TableName: 'idx', Key });
    expect(count('inc', 'two')).toBe(0);
  });

  it.each<[Json, string]>([
    [{ ConsistentRead: true }, 'Consistent reads are not supported on global secondary indexes'],
    [
      { Select: 'ALL_ATTRIBUTES' },
      'One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index gsi because its projection type is not ALL',
    ],
    [
      { ProjectionExpression: 'p,y' },
      'One or more parameter values were invalid: Global secondary index gsi does not project [y]',
    ],
    [{ IndexName: 'nope' }, 'The table does not have the specified index: nope'],
    [
      { FilterExpression: 'attribute_exists(h)' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: h',
    ],
    [{ ExclusiveStartKey: { p: { S: 'k1' }, r: { S: 'r2' } } }, 'The provided starting key is invalid'],
  ])('refuse %j', (more, message) => {
    expect(failure(() => gsi(more)).message).toBe(message);
  });
});

describe('faults', () => {
  const G = { ':g': { S: 'k1' } };
  it.each<[string, Json, string]>([
    ['g = :g', G, 'Query condition missed key schema element: p'],
    ['p > :g', G, 'Query key condition not supported'],
    ['p = :g or r = :g', G, 'Invalid operator used in KeyConditionExpression: OR'],
    ['p = :g and p = :g', G, 'KeyConditionExpressions must only contain one condition per key'],
    ['p = :g and r <> :g', G, 'Invalid operator used in KeyConditionExpression: <>'],
    ['p = :g and not r = :g', G, 'Invalid operator used in KeyConditionExpression: NOT'],
    ['p = :g and r in (:g)', G, 'Invalid operator used in KeyConditionExpression: IN'],
    ['p = :g and contains(r, :g)', G, 'Invalid operator used in KeyConditionExpression: contains'],
    ['p = :g and attribute_exists(r)', G, 'Invalid operator used in KeyConditionExpression: attribute_exists'],
    ['p = :g and size(r) = :g', G, 'KeyConditionExpressions cannot contain nested operations'],
    [
      'p = :g and begins_with(:g, r)',
      G,
      'Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand',
    ],
    [
      'p = :g and r = p',
      G,
      'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
    ],
    ['p = :g and :g = :g', G, 'Invalid condition in KeyConditionExpression: No key attribute specified'],
    ['p = :g and r.a = :g', G, 'KeyConditionExpressions cannot have conditions on nested attributes'],
    ['p = :g and x = :g', G, 'Query condition missed key schema element: r'],
    ['p = :g and r = :g and x = :g', G, 'Conditions can be of length 1 or 2 only'],
    [
      'p = :g',
      { ':g': { N: '1' } },
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    ],
    [
      'p = :g',
      { ':g': { S: '' } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p',
    ],
    [
      'p = :g and r between :a and :b',
      { ...G, ':a': { S: 'z' }, ':b': { S: 'a' } },
      'Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:z}, upper bound operand: AttributeValue: {S:a}',
    ],
  ])('%s', (KeyConditionExpression, ExpressionAttributeValues, message) => {
    const input = { TableName: 'idx', KeyConditionExpression, ExpressionAttributeValues };
    expect(failure(() => s.call('Query', input))).toMatchObject({ code: 'ValidationException', message });
  });

  it.each<[Json, string]>([
    [
      { FilterExpression: 'p = :g' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: p',
    ],
    [
      { FilterExpression: 'p.a = :g' },
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p",
    ],
    [
      { Limit: 0 },
      "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      { Select: 'SPECIFIC_ATTRIBUTES' },
      'Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
    ],
    [
      { Select: 'COUNT', ProjectionExpression: 'p' },
      'Cannot specify the ProjectionExpression when choosing to get only the Count',
    ],
    [
      { Select: 'ALL_PROJECTED_ATTRIBUTES' },
      'ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName',
    ],
    [
      { ExclusiveStartKey: { p: { S: 'k1' } } },
      'The provided starting key is invalid: The provided key element does not match the schema',
    ],
    [
      { ExclusiveStartKey: { p: { S: 'k2' }, r: { S: 'r1' } } },
      'The provided starting key is outside query boundaries based on provided conditions',
    ],
    [
      { KeyConditions: {} },
      'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}',
    ],
    [{ Unknown: 1 }, "The parameter 'unknown' is not supported"],
  ])('%j', (more, message) => {
    const input = { TableName: 'idx', KeyConditionExpression: 'p = :g', ExpressionAttributeValues: G, ...more };
    expect(failure(() => s.call('Query', input)).message).toBe(message);
  });

  it('needs a key condition and a table', () => {
    expect(failure(() => s.call('Query', { TableName: 'idx' })).message).toBe(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
    const input = { TableName: 'nope', KeyConditionExpression: 'p = :g', ExpressionAttributeValues: G };
    expect(failure(() => s.call('Query', input))).toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
  });
});

describe('KeyConditions and QueryFilter', () => {
  it('mean the same as expressions', () => {
    const output = s.call('Query', {
      TableName: 'nums',
      KeyConditions: {
        p: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'a' }] },
        r: { ComparisonOperator: 'BETWEEN', AttributeValueList: [{ N: '0' }, { N: '10' }] },
      },
      QueryFilter: { x: { ComparisonOperator: 'NE', AttributeValueList: [{ S: 'x1' }] } },
      AttributesToGet: ['r'],
    });
    expect(plain(output)).toEqual({
      Items: [{ r: { N: '0' } }, { r: { N: '2' } }, { r: { N: '10' } }],
      Count: 3,
      ScannedCount: 4,
    });
  });

  it.each<[Json, string]>([
    [{ p: { ComparisonOperator: 'GT', AttributeValueList: [{ S: 'a' }] } }, 'Query key condition not supported'],
    [
      { p: { ComparisonOperator: 'CONTAINS', AttributeValueList: [{ S: 'a' }] } },
      'Attempted conditional constraint is not an indexable operation',
    ],
    [
      { p: { ComparisonOperator: 'EQ', AttributeValueList: [] } },
      'One or more parameter values were invalid: Invalid number of argument(s) for the EQ ComparisonOperator',
    ],
    [{}, 'Conditions can be of length 1 or 2 only'],
  ])('are refused: %j', (KeyConditions, message) => {
    expect(failure(() => s.call('Query', { TableName: 'nums', KeyConditions })).message).toBe(message);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;
const COUNT = 300;

beforeAll(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl'));
  for (let i = 0; i < COUNT; i++) {
    s.call('PutItem', { TableName: 'tbl', Item: { ...key(`p${i % 100}`, i), even: { BOOL: i % 2 === 0 } } });
  }
});

function scanAll(more: Json = {}): string[] {
  const seen: string[] = [];
  let start: Json;
  do {
    const page = s.call('Scan', {
      TableName: 'tbl',
      ...more,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    seen.push(...page.Items.map(({ r }: Json) => r.N));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return seen;
}

describe('Scan', () => {
  it('goes through every item once, whatever the page', () => {
    const whole = scanAll();
    expect(new Set(whole).size).toBe(COUNT);
    for (const Limit of [1, 7, 100, 299, 300, 301]) expect(scanAll({ Limit })).toEqual(whole);
  });

  it('keeps partitions together, sorted inside, in the order of a hash and not of insertion', () => {
    const items = s.call('Scan', { TableName: 'tbl' }).Items;
    const partitions = items
      .map(({ p }: Json) => p.S)
      .filter((p: string, i: number, all: string[]) => p !== all[i - 1]);
    expect(partitions).toHaveLength(100);
    expect(partitions).not.toEqual([...partitions].sort());
    expect(partitions).not.toEqual(Array.from({ length: 100 }, (_, i) => `p${i}`));
    for (let i = 0; i < items.length; i += 3) {
      expect(Number(items[i].r.N)).toBeLessThan(Number(items[i + 1].r.N));
    }
  });

  it.each([1, 2, 3, 16])('splits into %i segments without overlap', (TotalSegments) => {
    const parts = Array.from({ length: TotalSegments }, (_, Segment) => scanAll({ TotalSegments, Segment, Limit: 13 }));
    expect(parts.flat()).toEqual(scanAll());
    if (TotalSegments < 4) for (const part of parts) expect(part.length).toBeGreaterThan(0);
  });

  it('counts and filters', () => {
    const output = s.call('Scan', {
      TableName: 'tbl',
      FilterExpression: 'even = :true',
      ExpressionAttributeValues: { ':true': { BOOL: true } },
      Select: 'COUNT',
    });
    expect(output).toEqual({ Count: COUNT / 2, ScannedCount: COUNT });
    const legacy = s.call('Scan', {
      TableName: 'tbl',
      ScanFilter: { r: { ComparisonOperator: 'LT', AttributeValueList: [{ N: '10' }] } },
      AttributesToGet: ['r'],
    });
    expect(legacy.Count).toBe(10);
    expect(Object.keys(legacy.Items[0])).toEqual(['r']);
  });

  it.each<[Json, string]>([
    [
      { Segment: 0 },
      'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    ],
    [
      { TotalSegments: 2 },
      'The Segment parameter is required but was not present in the request when parameter TotalSegments is present',
    ],
    [
      { Segment: 2, TotalSegments: 2 },
      'The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2',
    ],
    [
      { ExclusiveStartKey: { p: { S: 'a' } } },
      'The provided starting key is invalid: The provided key element does not match the schema',
    ],
    [
      { ExclusiveStartKey: { p: { S: 'a' }, r: { N: 'x' } } },
      'The parameter cannot be converted to a numeric value: x',
    ],
    [
      { AttributesToGet: ['a', 'a'] },
      'One or more parameter values were invalid: Duplicate value in attribute name: a',
    ],
    [{ IndexName: 'nope' }, 'The table does not have the specified index: nope'],
  ])('refuses %j', (more, message) => {
    expect(failure(() => s.call('Scan', { TableName: 'tbl', ...more })).message).toBe(message);
  });

  it('refuses a start key of another segment', () => {
    const own = scanAll({ TotalSegments: 2, Segment: 1 });
    const last = plain(s.call('Scan', { TableName: 'tbl' })).Items.find(({ r }: Json) => r.N === own[0]);
    const input = { TableName: 'tbl', TotalSegments: 2, Segment: 0, ExclusiveStartKey: { p: last.p, r: last.r } };
    expect(failure(() => s.call('Scan', input)).message).toContain('Please use ExclusiveStartKey with correct Segment');
  });
});

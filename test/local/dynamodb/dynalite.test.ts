import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, ServiceError } from '../../../local/cloud.ts';
import { type Random, seededRandom } from '../../../local/kernel/kernel.ts';
import { key, plain, type Setup, setup, tableInput } from './setup.ts';

/**
 * The same random calls go to the embedded DynamoDB and to dynalite, whose conditions, updates and queries were written
 * against the service: every answer must be the same. What dynalite is known to get wrong is not asked for: equality of
 * lists and maps.
 */
let oracle: Worker;
let port: number;
let s: Setup;

// In a thread of its own: the conditions that vitest resolves modules with would give dynalite the wrong build of big.js.
const ORACLE = `
  const server = require('dynalite')({ createTableMs: 0 });
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));
`;

const INDEXED = {
  AttributeDefinitions: [
    { AttributeName: 'p', AttributeType: 'S' },
    { AttributeName: 'r', AttributeType: 'N' },
    { AttributeName: 'g', AttributeType: 'S' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byG',
      KeySchema: [
        { AttributeName: 'g', KeyType: 'HASH' },
        { AttributeName: 'r', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
};

interface Answer {
  readonly code: string;
  readonly body: Json;
}

async function askOracle(operation: string, input: Json): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': 'now',
      authorization:
        'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify(input),
  });
  const body = (await response.json()) as Json;
  if (response.ok) return { code: 'OK', body };
  return { code: body.__type.split('#')[1], body: { message: body.message ?? body.Message } };
}

function askOurs(operation: string, input: Json): Answer {
  try {
    return { code: 'OK', body: plain(s.call(operation, input)) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { code: error.code, body: { message: error.message } };
  }
}

/** Sets have no order. */
function sortSets(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortSets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      ['SS', 'NS', 'BS'].includes(name) && Array.isArray(member) ? [...member].sort() : sortSets(member),
    ]),
  );
}

beforeAll(async () => {
  oracle = new Worker(ORACLE, { eval: true, execArgv: [] });
  [port] = (await once(oracle, 'message')) as [number];
  s = setup();
  const table = tableInput('tbl', INDEXED);
  s.call('CreateTable', table);
  await askOracle('CreateTable', table);
  while ((await askOracle('DescribeTable', { TableName: 'tbl' })).body.Table.TableStatus !== 'ACTIVE');
});

afterAll(() => oracle.terminate());

/** An update that is wrong in two ways may be told either. */
const UNBEARABLE = new Set([
  'An operand in the update expression has an incorrect data type',
  'The provided expression refers to an attribute that does not exist in the item',
  'The document path provided in the update expression is invalid for update',
]);

function unify({ code, body }: Answer): Answer {
  if (body.Attributes !== undefined && Object.keys(body.Attributes).length === 0) return { code, body: {} };
  return UNBEARABLE.has(body.message)
    ? { code, body: { message: 'the item does not bear the update' } }
    : { code, body };
}

async function compare(operation: string, input: Json): Promise<Answer> {
  const ours = unify(askOurs(operation, input));
  const theirs = unify(await askOracle(operation, input));
  expect({ input, ...sortSets(ours) }).toEqual({ input, ...sortSets(theirs) });
  return ours;
}

function choice(random: Random) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const int = (max: number) => Math.floor(random.next() * max);
  const scalar = (): Json =>
    pick([
      { N: pick(['1', '2.0', '-3', '1e1', '0.5']) },
      { S: pick(['', 'a', 'ab', 'b', 'ä']) },
      { B: pick(['YQ==', 'YWI=']) },
      { BOOL: true },
      { NULL: true },
    ]);
  const set = (): Json => pick([{ SS: ['a', 'b'] }, { SS: ['b'] }, { NS: ['1', '2'] }, { NS: ['3'] }]);
  const value = (): Json =>
    pick([
      scalar,
      scalar,
      set,
      () => ({ L: [scalar(), scalar()] }),
      () => ({ M: { k: scalar(), l: { L: [scalar()] } } }),
    ])();
  const name = () => pick(['a', 'b', 'c', 'd']);
  const path = () => pick([name, name, () => `${name()}.k`, () => `${name()}[${int(3)}]`, () => `${name()}.l[0]`])();
  // Each range key under one hash key only: the order of equal index keys is nobody's promise.
  const ourKey = () => {
    const r = int(12);
    return key(r % 2 === 0 ? 'x' : 'y', r);
  };
  const item = () => {
    const made: Json = ourKey();
    for (let i = int(4); i >= 0; i--) made[name()] = value();
    if (int(3) > 0) made.g = { S: pick(['one', 'two']) };
    return made;
  };
  return { pick, int, scalar, set, value, name, path, ourKey, item };
}

type Choice = ReturnType<typeof choice>;

/** A random condition, and the values that it uses. */
function condition(c: Choice, values: Json, depth = 0): string {
  const value = (made: Json) => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = made;
    return placeholder;
  };
  const kind = c.int(depth > 2 ? 8 : 12);
  switch (kind) {
    case 0:
      return `attribute_exists(${c.path()})`;
    case 1:
      return `attribute_not_exists(${c.path()})`;
    case 2:
      return `attribute_type(${c.path()}, ${value({ S: c.pick(['S', 'N', 'L', 'M', 'SS', 'BOOL']) })})`;
    case 3:
      return `begins_with(${c.path()}, ${value(c.pick([{ S: 'a' }, { B: 'YQ==' }]))})`;
    case 4:
      return `contains(${c.path()}, ${value(c.pick([{ S: 'a' }, { N: '1' }]))})`;
    case 5:
      return `size(${c.path()}) ${c.pick(['=', '<', '>='])} ${value({ N: c.pick(['1', '2']) })}`;
    case 6:
      return `${c.path()} in (${value(c.scalar())}, ${value(c.scalar())})`;
    case 7:
      return `${c.path()} ${c.pick(['=', '<>'])} ${value(c.scalar())}`;
    case 8:
      return `${c.path()} ${c.pick(['<', '<=', '>', '>='])} ${value(c.pick([{ N: '1.5' }, { S: 'ab' }, { B: 'YQ==' }]))}`;
    case 9:
      return `NOT (${condition(c, values, depth + 1)})`;
    case 10:
      return `(${condition(c, values, depth + 1)}) AND ${condition(c, values, depth + 1)}`;
    default:
      return `${condition(c, values, depth + 1)} OR ${condition(c, values, depth + 1)}`;
  }
}

function update(c: Choice, values: Json): string {
  const value = (made: Json) => {
    const placeholder = `:u${Object.keys(values).length}`;
    values[placeholder] = made;
    return placeholder;
  };
  const names = ['a', 'b', 'c', 'd'].sort(() => c.int(3) - 1);
  const target = () => {
    const head = names.pop()!;
    return c.pick([head, head, `${head}.k`, `${head}[${c.int(4)}]`]);
  };
  const operand = () =>
    c.pick([() => value(c.value()), c.path, () => `if_not_exists(${c.path()}, ${value(c.value())})`])();
  const set = () =>
    c.pick([
      operand,
      operand,
      () => `${c.path()} ${c.pick(['+', '-'])} ${value({ N: '2.5' })}`,
      () => `list_append(${c.path()}, ${value({ L: [c.scalar()] })})`,
    ])();
  const parts: string[] = [`SET ${target()} = ${set()}${c.int(2) === 0 ? `, ${target()} = ${set()}` : ''}`];
  const second = c.pick(['REMOVE', 'REMOVE', 'ADD', 'DELETE']);
  if (second === 'REMOVE') parts.push(`REMOVE ${target()}`);
  else parts.push(`${second} ${target()} ${value(second === 'ADD' ? c.pick([{ N: '1' }, c.set()]) : c.set())}`);
  return parts.join(' ');
}

function used(values: Json): Json {
  return Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values };
}

describe.each([1, 2])('against dynalite, seed %i', (seed) => {
  it('writes with random conditions and updates', async () => {
    const c = choice(seededRandom(seed));
    const codes = new Map<string, number>();
    for (let i = 0; i < 150; i++) {
      const values: Json = {};
      const kind = c.int(10);
      const conditional = c.int(2) === 0;
      const TableName = 'tbl';
      let answer: Answer;
      if (kind < 4) {
        const Item = c.item();
        const more = conditional ? { ConditionExpression: condition(c, values) } : {};
        answer = await compare('PutItem', { TableName, Item, ...more, ...used(values), ReturnValues: 'ALL_OLD' });
      } else if (kind < 9) {
        const UpdateExpression = update(c, values);
        const more = conditional ? { ConditionExpression: condition(c, values) } : {};
        const ReturnValues = c.pick(['ALL_NEW', 'ALL_OLD', 'UPDATED_NEW', 'UPDATED_OLD', 'NONE']);
        answer = await compare('UpdateItem', {
          TableName,
          Key: c.ourKey(),
          UpdateExpression,
          ...more,
          ...used(values),
          ReturnValues,
        });
      } else {
        answer = await compare('DeleteItem', { TableName, Key: c.ourKey(), ReturnValues: 'ALL_OLD' });
      }
      codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1);
    }
    // The calls must not all fare the same, or nothing was compared.
    expect([...codes.keys()].sort()).toEqual(['ConditionalCheckFailedException', 'OK', 'ValidationException']);
    expect(Math.min(...codes.values())).toBeGreaterThan(5);
  });

  it('reads with random ranges, filters, projections and pages', async () => {
    const c = choice(seededRandom(seed + 1000));
    for (let i = 0; i < 20; i++) await compare('PutItem', { TableName: 'tbl', Item: c.item() });
    for (let i = 0; i < 50; i++) {
      const values: Json = {};
      const index = c.int(3) === 0;
      const range = c.pick([
        '',
        ' and r = :r',
        ' and r < :r',
        ' and r >= :r',
        ' and r between :r and :t',
        ' and :r < r',
      ]);
      values[':p'] = { S: index ? c.pick(['one', 'two']) : c.pick(['x', 'y']) };
      if (range.includes(':r')) values[':r'] = { N: c.pick(['0', '2', '2.5']) };
      if (range.includes(':t')) values[':t'] = { N: c.pick(['3', '4', '9']) };
      const filter = c.int(2) === 0 ? { FilterExpression: condition(c, values) } : {};
      const projection = c.int(3) === 0 ? { ProjectionExpression: 'a, b.k, c[0], c[2], r' } : {};
      const input: Json = {
        TableName: 'tbl',
        KeyConditionExpression: `${index ? 'g' : 'p'} = :p${range}`,
        ...(index ? { IndexName: 'byG' } : {}),
        ...filter,
        ...projection,
        ...(c.int(2) === 0 ? { Limit: 1 + c.int(4) } : {}),
        ScanIndexForward: c.int(2) === 0,
        ExpressionAttributeValues: values,
      };
      let answer = await compare('Query', input);
      for (let page = 0; page < 3 && answer.body.LastEvaluatedKey !== undefined; page++) {
        answer = await compare('Query', { ...input, ExclusiveStartKey: answer.body.LastEvaluatedKey });
      }
    }
    await compare('Scan', { TableName: 'tbl' });
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;
const ITEM = {
  ...key('c', 1),
  n: { N: '5' },
  s: { S: 'hello' },
  emoji: { S: 'äöü€😀' },
  b: { B: 'aGVsbG8=' },
  t: { BOOL: true },
  nul: { NULL: true },
  ss: { SS: ['a', 'b'] },
  l: { L: [{ N: '1' }, { M: { x: { S: 'deep' } } }] },
  m: { M: { 'dotted.name': { N: '1' }, sub1: { M: { k: { S: 'v' } } } } },
};

beforeAll(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl'));
  s.call('PutItem', { TableName: 'tbl', Item: ITEM });
});

function test(condition: string, values?: Json, names?: Json): boolean | string {
  const input: Json = { TableName: 'tbl', Key: key('c', 1), ConditionExpression: condition };
  if (values !== undefined) input.ExpressionAttributeValues = values;
  if (names !== undefined) input.ExpressionAttributeNames = names;
  try {
    s.call('UpdateItem', input);
    return true;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return code === 'ConditionalCheckFailedException' ? false : message;
  }
}

describe('conditions', () => {
  const V = { ':a': { N: '5' }, ':b': { N: '5.0' } };
  it.each<[string, Json, boolean]>([
    ['n = :v', { ':v': { N: '5.00' } }, true],
    ['n = :v', { ':v': { S: '5' } }, false],
    ['n <> :v', { ':v': { S: '5' } }, true],
    ['absent <> :v', { ':v': { N: '13' } }, true],
    ['NOT absent = :v', { ':v': { N: '13' } }, true],
    ['absent = :v', { ':v': { N: '13' } }, false],
    ['not absent < :v', { ':v': { N: '13' } }, true],
    ['n < :v', { ':v': { N: '10' } }, true],
    ['n > :v', { ':v': { N: '10' } }, false],
    ['s >= :v', { ':v': { S: 'hello' } }, true],
    ['n between :a and :b', V, true],
    ['n in (:a, :b)', V, true],
    ['attribute_exists(m.sub1.k)', undefined, true],
    ['attribute_not_exists(m.sub1.z)', undefined, true],
    ['attribute_exists(l[1].x) and attribute_not_exists(l[2])', undefined, true],
    ['attribute_type(nul, :v)', { ':v': { S: 'NULL' } }, true],
    ['attribute_type(n, :v)', { ':v': { S: 'S' } }, false],
    ['begins_with(s, :v)', { ':v': { S: 'hel' } }, true],
    ['begins_with(b, :v)', { ':v': { B: 'aGU=' } }, true],
    ['contains(s, :v)', { ':v': { S: 'ell' } }, true],
    ['contains(ss, :v)', { ':v': { S: 'b' } }, true],
    ['contains(l, :v)', { ':v': { M: { x: { S: 'deep' } } } }, true],
    ['size(s) = :v', { ':v': { N: '5' } }, true],
    ['size(emoji) = :v', { ':v': { N: '6' } }, true],
    ['size(b) = :v', { ':v': { N: '5' } }, true],
    ['size(m) = :v', { ':v': { N: '2' } }, true],
    ['size(n) = :v', { ':v': { N: '1' } }, false],
    ['size(:w) > :v', { ':v': { N: '1' }, ':w': { S: 'ab' } }, true],
    ['(n = :v OR t = :v) AND NOT (s = :v)', { ':v': { N: '5' } }, true],
    ['n = :v or s = :v and t = :v', { ':v': { N: '5' } }, true],
    ['(n) = (:v)', { ':v': { N: '5' } }, true],
    ['NOT NOT n = :v', { ':v': { N: '5' } }, true],
    ['m.sub1 = :v', { ':v': { M: { k: { S: 'v' } } } }, true],
    ['s. size = :v', { ':v': { N: '5' } }, false],
  ])('%s with %j: %s', (condition, values, expected) => {
    const names = condition.includes('size =') && condition.includes('.') ? { '#size': 'size' } : undefined;
    expect(test(names === undefined ? condition : condition.replace('size', '#size'), values, names)).toBe(expected);
  });

  it('resolves names with dots, and names that JavaScript knows', () => {
    expect(test('m.#d = :v', { ':v': { N: '1' } }, { '#d': 'dotted.name' })).toBe(true);
    expect(test('attribute_not_exists(toString) and attribute_not_exists(m.hasOwnProperty)')).toBe(true);
  });
});

// Every text was recorded from the service's own expression engine.
describe('faults', () => {
  it.each<[string, Json, string]>([
    ['', undefined, 'The expression can not be empty;'],
    ['   ', undefined, 'Syntax error; token: "<EOF>", near: "   "'],
    ['a = = b', undefined, 'Syntax error; token: "=", near: "= = b"'],
    ['a ==  b', undefined, 'Syntax error; token: "=", near: "==  b"'],
    ['a =', undefined, 'Syntax error; token: "<EOF>", near: "="'],
    ['a = b c', undefined, 'Syntax error; token: "c", near: "b c"'],
    ['a', undefined, 'Syntax error; token: "<EOF>", near: "a"'],
    ['a and b', undefined, 'Syntax error; token: "and", near: "a and b"'],
    ['a != b', undefined, 'Syntax error; token: "!", near: "a !="'],
    ['a # = b', undefined, 'Syntax error; token: "#", near: "a # ="'],
    ['a = :x &', undefined, 'Syntax error; token: "&", near: ":x &"'],
    ['(a = b', undefined, 'Syntax error; token: "<EOF>", near: "b"'],
    ['a = b)', undefined, 'Syntax error; token: ")", near: "b)"'],
    ['a in ()', undefined, 'Syntax error; token: ")", near: "()"'],
    ['attribute_exists()', undefined, 'Syntax error; token: ")", near: "()"'],
    ['attribute_exists a', undefined, 'Syntax error; token: "a", near: "attribute_exists a"'],
    ['a[:a] = :a', undefined, 'Syntax error; token: ":a", near: "[:a]"'],
    ['a = 1a', undefined, 'Syntax error; token: "1", near: "= 1a"'],
    ['and = b', undefined, 'Syntax error; token: "and", near: "and ="'],
    ['a.and = b', undefined, 'Syntax error; token: "and", near: ".and ="'],
    ['((a = b))', undefined, 'The expression has redundant parentheses;'],
    ['(a = b) and ((b = c))', undefined, 'The expression has redundant parentheses;'],
    ['((a)) = b', undefined, 'The expression has redundant parentheses;'],
    ['foo(a)', undefined, 'Invalid function name; function: foo'],
    ['SIZE(a) > b', undefined, 'Invalid function name; function: SIZE'],
    ['a = :a and b = :b and foo(a)', undefined, 'Invalid function name; function: foo'],
    ['size(a)', undefined, 'The function is not allowed to be used this way in an expression; function: size'],
    [
      'a = attribute_exists(b)',
      undefined,
      'The function is not allowed to be used this way in an expression; function: attribute_exists',
    ],
    ['name = :x', undefined, 'Attribute name is a reserved keyword; reserved keyword: name'],
    ['a[0].Name = :x', undefined, 'Attribute name is a reserved keyword; reserved keyword: Name'],
    ['a = :a', undefined, 'An expression attribute value used in expression is not defined; attribute value: :a'],
    ['#a = b', undefined, 'An expression attribute name used in the document path is not defined; attribute name: #a'],
    [
      'a = a',
      undefined,
      'The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]',
    ],
    [
      'a[1].b in (c, a[1].b)',
      undefined,
      'The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [a, [1], b]',
    ],
    [
      'a between a and b',
      undefined,
      'The first operand must be distinct from the remaining operands for this operator or function; operator: BETWEEN, first operand: [a]',
    ],
    [
      'a < :v',
      { ':v': { BOOL: true } },
      'Incorrect operand type for operator or function; operator or function: <, operand type: BOOL',
    ],
    [
      'a between :v and :v',
      { ':v': { L: [] } },
      'Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: L',
    ],
    [
      'begins_with(a, :v)',
      { ':v': { N: '1' } },
      'Incorrect operand type for operator or function; operator or function: begins_with, operand type: N',
    ],
    [
      'begins_with(size(a), :v)',
      { ':v': { S: '1' } },
      'Incorrect operand type for operator or function; operator or function: begins_with, operand type: N',
    ],
    [
      'size(:v) = b',
      { ':v': { N: '1' } },
      'Incorrect operand type for operator or function; operator or function: size, operand type: N',
    ],
    [
      'size(size(a)) = b',
      undefined,
      'Incorrect operand type for operator or function; operator or function: size, operand type: N',
    ],
    [
      'attribute_type(a, :v)',
      { ':v': { N: '1' } },
      'Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N',
    ],
    [
      'attribute_exists(:v)',
      { ':v': { S: 'a' } },
      'Operator or function requires a document path; operator or function: attribute_exists',
    ],
    [
      'attribute_exists(a, b)',
      undefined,
      'Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2',
    ],
    [
      'a between :v and :w',
      { ':v': { N: '2' }, ':w': { N: '1' } },
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}',
    ],
    [
      'a between :v and :w',
      { ':v': { N: '2' }, ':w': { S: '1' } },
      'The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:1}',
    ],
  ])('%s with %j: %s', (condition, values, message) => {
    expect(test(condition, values)).toBe(`Invalid ConditionExpression: ${message}`);
  });

  it('limits the expression', () => {
    expect(test('a = b'.padEnd(4200))).toBe(
      'Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4200',
    );
    expect(test(Array.from({ length: 302 }, () => 'a = b').join(' or '))).toBe(
      'Invalid ConditionExpression: The expression contains too many operators; operator count: 301',
    );
    expect(test(`a in (${Array.from({ length: 101 }, () => ':a').join(',')})`, { ':a': { S: 'a' } })).toBe(
      'Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101',
    );
  });

  it('wants every name and value used, and rightly written', () => {
    expect(test('a = :x', { ':x': { S: '1' }, ':z': { S: '2' }, ':y': { S: '2' } })).toBe(
      'Value provided in ExpressionAttributeValues unused in expressions: keys: {:y, :z}',
    );
    expect(test('a = b', undefined, { '#a': 'x' })).toBe(
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}',
    );
    expect(test('a = :x', {})).toBe('ExpressionAttributeValues must not be empty');
    expect(test('a = b', undefined, {})).toBe('ExpressionAttributeNames must not be empty');
    expect(test('a = :x', { x: { S: '1' } })).toBe(
      'ExpressionAttributeValues contains invalid key: Syntax error; key: "x"',
    );
    expect(test('a = :x', { ':x': {} })).toBe(
      'ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :x',
    );
  });

  it('keeps expressions and what came before them apart', () => {
    const put = (more: Json) => failure(() => s.call('PutItem', { TableName: 'tbl', Item: ITEM, ...more })).message;
    expect(put({ ConditionExpression: 'a = b', Expected: { a: { Exists: false } } })).toBe(
      'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}',
    );
    expect(put({ ExpressionAttributeValues: { ':x': { S: '1' } } })).toBe(
      'ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null',
    );
    expect(put({ ExpressionAttributeNames: { '#x': '1' } })).toBe(
      'ExpressionAttributeNames can only be specified when using expressions',
    );
  });
});

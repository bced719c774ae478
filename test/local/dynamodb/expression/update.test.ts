import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, setup, tableInput } from '../setup.ts';

let s: Setup;
const ITEM = {
  ...key('u', 1),
  n: { N: '5' },
  s: { S: 'str' },
  l: { L: [0, 1, 2, 3, 4, 5].map((i) => ({ N: String(i) })) },
  m: { M: { a: { N: '1' }, b: { M: { c: { S: 'x' } } } } },
  ss: { SS: ['a', 'b'] },
  ns: { NS: ['1', '2'] },
};

beforeEach(() => {
  s = setup();
  s.call('CreateTable', tableInput('tbl'));
  s.call('PutItem', { TableName: 'tbl', Item: ITEM });
});

function update(expression: string, values?: Json, more: Json = {}): Json {
  return plain(
    s.call('UpdateItem', {
      TableName: 'tbl',
      Key: key('u', 1),
      UpdateExpression: expression,
      ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
      ReturnValues: 'ALL_NEW',
      ...more,
    }),
  ).Attributes;
}

const X = { ':x': { S: 'x' }, ':y': { S: 'y' } };
const ONE = { ':one': { N: '1' } };

describe('what updates do', () => {
  it('computes with the item as it was before', () => {
    expect(update('SET a = n, n = n + :one, d = :one - n', ONE)).toMatchObject({
      a: { N: '5' },
      n: { N: '6' },
      d: { N: '-4' },
    });
  });

  it('sets, appends behind the end and removes by the positions of before', () => {
    expect(update('SET l[1] = :x, l[9] = :y, l[8] = :x REMOVE l[0], l[3]', X).l).toEqual({
      L: [{ S: 'x' }, { N: '2' }, { N: '4' }, { N: '5' }, { S: 'x' }, { S: 'y' }],
    });
  });

  it('changes what is nested and leaves the rest', () => {
    expect(update('SET m.b.c = :x, m.z = :y REMOVE m.a, m.nope, l[20]', X).m).toEqual({
      M: { b: { M: { c: { S: 'x' } } }, z: { S: 'y' } },
    });
  });

  it('does not change an item that was given out before', () => {
    const before = s.call('GetItem', { TableName: 'tbl', Key: key('u', 1) }).Item;
    const copy = plain(before);
    update('SET m.b.c = :x, l[0] = :x REMOVE m.a ADD ns :n DELETE ss :s', {
      ':x': { S: 'x' },
      ':n': { NS: ['9'] },
      ':s': { SS: ['a'] },
    });
    expect(plain(before)).toEqual(copy);
  });

  it('adds to numbers and sets, deletes from sets, and drops an empty set', () => {
    const values = { ':n': { N: '0.5' }, ':ns': { NS: ['2', '3'] }, ':a': { SS: ['a', 'z'] } };
    expect(update('ADD n :n, fresh :n, ns :ns DELETE ss :a', values)).toMatchObject({
      n: { N: '5.5' },
      fresh: { N: '0.5' },
      ns: { NS: ['1', '2', '3'] },
      ss: { SS: ['b'] },
    });
    expect(update('DELETE ss :b', { ':b': { SS: ['b'] } })).not.toHaveProperty('ss');
    expect(update('DELETE gone :b', { ':b': { SS: ['b'] } })).not.toHaveProperty('gone');
  });

  it('has if_not_exists and list_append, one in the other', () => {
    expect(
      update('SET q = if_not_exists(q, :x), w = if_not_exists(s, :x), v = if_not_exists(e, if_not_exists(f, :y))', X),
    ).toMatchObject({
      q: { S: 'x' },
      w: { S: 'str' },
      v: { S: 'y' },
    });
    const list = { ':l': { L: [{ N: '9' }] } };
    expect(update('SET k = list_append(if_not_exists(k, :l), :l)', list).k).toEqual({ L: [{ N: '9' }, { N: '9' }] });
    expect(update('SET a = if_not_exists(a, :one) + :one, b = (:one + :one)', ONE)).toMatchObject({
      a: { N: '2' },
      b: { N: '2' },
    });
  });

  it('makes the item when there is none, even of nothing but its key', () => {
    const call = (more: Json) =>
      plain(s.call('UpdateItem', { TableName: 'tbl', ReturnValues: 'ALL_NEW', ...more })).Attributes;
    expect(call({ Key: key('new', 1) })).toEqual(key('new', 1));
    expect(call({ Key: key('new', 2), UpdateExpression: 'REMOVE a' })).toEqual(key('new', 2));
    expect(call({ Key: key('new', 3), UpdateExpression: 'ADD a :one', ExpressionAttributeValues: ONE })).toEqual({
      ...key('new', 3),
      a: { N: '1' },
    });
  });
});

describe('ReturnValues', () => {
  it('shows of an update only the paths that it touched', () => {
    expect(update('SET m.b.c = :x, m.fresh = :y', X, { ReturnValues: 'UPDATED_NEW' })).toEqual({
      m: { M: { b: { M: { c: { S: 'x' } } }, fresh: { S: 'y' } } },
    });
    expect(update('SET m.b.c = :y, m.beside = :y', { ':y': { S: 'y' } }, { ReturnValues: 'UPDATED_OLD' })).toEqual({
      m: { M: { b: { M: { c: { S: 'x' } } } } },
    });
    expect(update('REMOVE n', undefined, { ReturnValues: 'UPDATED_NEW' })).toBeUndefined();
    expect(update('SET n = :x', { ':x': { N: '2' } }, { ReturnValues: 'UPDATED_OLD' })).toBeUndefined();
    expect(update('SET n = :x', { ':x': { N: '3' } }, { ReturnValues: 'ALL_OLD' }).n).toEqual({ N: '2' });
    expect(update('SET n = :x', { ':x': { N: '4' } }, { ReturnValues: 'NONE' })).toBeUndefined();
  });
});

describe('faults', () => {
  it.each<[string, Json, string]>([
    ['SET n = s + :one', ONE, 'An operand in the update expression has an incorrect data type'],
    ['SET n = zz + :one', ONE, 'The provided expression refers to an attribute that does not exist in the item'],
    ['SET n = zz', undefined, 'The provided expression refers to an attribute that does not exist in the item'],
    ['SET zz.a = :one', ONE, 'The document path provided in the update expression is invalid for update'],
    ['SET s.a = :one', ONE, 'The document path provided in the update expression is invalid for update'],
    ['SET l.a = :one', ONE, 'The document path provided in the update expression is invalid for update'],
    ['SET m[0] = :one', ONE, 'The document path provided in the update expression is invalid for update'],
    ['REMOVE zz.b', undefined, 'The document path provided in the update expression is invalid for update'],
    [
      'SET p = :one',
      ONE,
      'One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key',
    ],
    [
      'REMOVE r',
      undefined,
      'One or more parameter values were invalid: Cannot update attribute r. This attribute is part of the key',
    ],
    ['ADD s :one', ONE, 'An operand in the update expression has an incorrect data type'],
    ['DELETE ns :x', { ':x': { SS: ['1'] } }, 'An operand in the update expression has an incorrect data type'],
    [
      'SET l = list_append(s, :x)',
      { ':x': { L: [] } },
      'An operand in the update expression has an incorrect data type',
    ],
    ['SET n = n + :x', { ':x': { N: '1e-40' } }, 'Attempting to store more than 38 significant digits in a Number'],
    ['SET big = :x', { ':x': { S: 'x'.repeat(409_600) } }, 'Item size to update has exceeded the maximum allowed size'],
  ])('the item does not bear %s', (expression, values, message) => {
    expect(failure(() => update(expression, values))).toMatchObject({ code: 'ValidationException', message });
    expect(plain(s.call('GetItem', { TableName: 'tbl', Key: key('u', 1) })).Item).toEqual(ITEM);
  });

  it.each<[string, Json, string]>([
    ['', undefined, 'The expression can not be empty;'],
    ['FOO q', undefined, 'Syntax error; token: "FOO", near: "FOO q"'],
    ['SET q', undefined, 'Syntax error; token: "<EOF>", near: "q"'],
    ['SET a = :x,', undefined, 'Syntax error; token: "<EOF>", near: ","'],
    ['SET a = :x,, b = :x', undefined, 'Syntax error; token: ",", near: ",, b"'],
    ['SET a = :x REMOVE', undefined, 'Syntax error; token: "<EOF>", near: "REMOVE"'],
    ['SET a = :x + :x + :x', undefined, 'Syntax error; token: "+", near: ":x + :x"'],
    ['SET a = if_not_exists(a, :x + :x)', undefined, 'Syntax error; token: "+", near: ":x + :x"'],
    ['SET a = 5', undefined, 'Syntax error; token: "5", near: "= 5"'],
    ['SET a = "x"', undefined, 'Syntax error; token: """, near: "= "x"'],
    ['ADD a b', undefined, 'Syntax error; token: "b", near: "a b"'],
    ['SET _a = :x', undefined, 'Syntax error; token: "_", near: "SET _a"'],
    ['SET a-b = :x', undefined, 'Syntax error; token: "-", near: "a-b"'],
    ['SET l[-1] = :x', undefined, 'Syntax error; token: "-", near: "[-1"'],
    ['SET (a) = :x', undefined, 'Syntax error; token: "(", near: "SET (a"'],
    ['SET set = :x', undefined, 'Syntax error; token: "set", near: "SET set ="'],
    ['SET a = ((:x))', undefined, 'The expression has redundant parentheses;'],
    ['SET a = :x SET b = :x', undefined, 'The "SET" section can only be used once in an update expression;'],
    ['SET a = :y, name = :x', undefined, 'Attribute name is a reserved keyword; reserved keyword: name'],
    ['SET a = :x, b = foo(:y)', undefined, 'Invalid function name; function: foo'],
    [
      'SET a = attribute_exists(b)',
      undefined,
      'The function is not allowed in an update expression; function: attribute_exists',
    ],
    [
      'SET a = list_append(:x, :x) + :x',
      undefined,
      'The function is not allowed to be used this way in an expression; function: list_append',
    ],
    [
      'SET m.#y = :x',
      undefined,
      'An expression attribute name used in the document path is not defined; attribute name: #y',
    ],
    ['SET a = :x', undefined, 'An expression attribute value used in expression is not defined; attribute value: :x'],
    [
      'SET a = :x, a = :x',
      X,
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]',
    ],
    [
      'SET a = :x, a[0].b = :x',
      X,
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, [0], b]',
    ],
    [
      'SET a.b = :x REMOVE a[1]',
      X,
      'Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]',
    ],
    ['SET n = n + :x', X, 'Incorrect operand type for operator or function; operator or function: +, operand type: S'],
    [
      'SET l = list_append(l, :x)',
      X,
      'Incorrect operand type for operator or function; operator or function: list_append, operand type: S',
    ],
    [
      'SET q = if_not_exists(:x, :x)',
      X,
      'Operator or function requires a document path; operator or function: if_not_exists',
    ],
    [
      'SET q = list_append(:x)',
      X,
      'Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1',
    ],
    [
      'ADD s :x',
      X,
      'Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND',
    ],
    [
      'DELETE s :one',
      ONE,
      'Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND',
    ],
  ])('the expression %s with %j', (expression, values, message) => {
    expect(failure(() => update(expression, values)).message).toBe(`Invalid UpdateExpression: ${message}`);
  });
});

describe('AttributeUpdates', () => {
  const call = (updates: Json) =>
    plain(
      s.call('UpdateItem', { TableName: 'tbl', Key: key('u', 1), AttributeUpdates: updates, ReturnValues: 'ALL_NEW' }),
    ).Attributes;

  it('puts, adds and deletes', () => {
    expect(
      call({
        a: { Value: { S: 'put' } },
        n: { Action: 'ADD', Value: { N: '1' } },
        l: { Action: 'ADD', Value: { L: [{ S: 'end' }] } },
        ss: { Action: 'DELETE', Value: { SS: ['a'] } },
        s: { Action: 'DELETE' },
      }),
    ).toMatchObject({ a: { S: 'put' }, n: { N: '6' }, ss: { SS: ['b'] } });
    expect(call({ s: { Action: 'PUT', Value: { S: 'again' } } }).l.L).toHaveLength(7);
  });

  it.each([
    [
      { a: { Action: 'PUT' } },
      'One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified',
    ],
    [
      { a: { Action: 'DELETE', Value: { S: 'x' } } },
      'One or more parameter values were invalid: DELETE action with value is not supported for the type S',
    ],
    [
      { a: { Action: 'ADD', Value: { S: 'x' } } },
      'One or more parameter values were invalid: ADD action is not supported for the type S',
    ],
    [{ s: { Action: 'ADD', Value: { N: '1' } } }, 'Type mismatch for attribute to update'],
  ])('refuses %j', (updates, message) => {
    expect(failure(() => call(updates)).message).toBe(message);
  });
});

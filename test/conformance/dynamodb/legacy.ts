import type { Json } from '../../../local/cloud.ts';
import { type Call, S, type Scenario, table } from './scenario.ts';

export const legacy: readonly Scenario[] = [
  {
    name: 'legacy parameters',
    says: '"This is a legacy parameter. Use ConditionExpression instead": Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, ConditionalOperator',
    tables: [table('conf-legacy', 'p:S', 'r:N')],
    calls: calls(),
  },
];

function calls(): Call[] {
  const TableName = 'conf-legacy';
  const Key = { p: S('a'), r: { N: '1' } };
  const n = (N: number | string) => ({ N: String(N) });
  const update = (AttributeUpdates: Json, more: Json = {}): Call => [
    'UpdateItem',
    { TableName, Key, AttributeUpdates, ReturnValues: 'ALL_NEW', ...more },
  ];
  const put = (Expected: Json, more: Json = {}): Call => [
    'PutItem',
    { TableName, Item: { ...Key, a: n(1), s: S('hello') }, Expected, ...more },
  ];
  const query = (KeyConditions: Json, more: Json = {}): Call => ['Query', { TableName, KeyConditions, ...more }];
  const eq = (value: Json) => ({ ComparisonOperator: 'EQ', AttributeValueList: [value] });
  return [
    put({ p: { Exists: false } }),
    put({ p: { Exists: false } }),
    put({ a: { Value: n('1.0') } }),
    put({ a: { Value: n(2) } }),
    put({ a: { Exists: true, Value: n(1) } }),
    put({ a: { Exists: true } }),
    put({ a: { Exists: false, Value: n(1) } }),
    put({ a: {} }),
    put({ a: eq(n(1)), s: { ComparisonOperator: 'BEGINS_WITH', AttributeValueList: [S('he')] } }),
    put(
      { a: eq(n(9)), s: { ComparisonOperator: 'CONTAINS', AttributeValueList: [S('ell')] } },
      { ConditionalOperator: 'OR' },
    ),
    put({ a: eq(n(9)), s: eq(S('hello')) }, { ConditionalOperator: 'AND' }),
    put({ a: { ComparisonOperator: 'BETWEEN', AttributeValueList: [n(0), n(5)] } }),
    put({ a: { ComparisonOperator: 'BETWEEN', AttributeValueList: [n(0)] } }),
    put({ a: { ComparisonOperator: 'IN', AttributeValueList: [n(0), n(1)] } }),
    put({ a: { ComparisonOperator: 'NOT_NULL' } }),
    put({ a: { ComparisonOperator: 'NULL' } }),
    put({ a: { ComparisonOperator: 'NOT_CONTAINS', AttributeValueList: [n(0)] } }),
    put({ a: { ComparisonOperator: 'NE', AttributeValueList: [n(0)] } }),
    put({ a: { ComparisonOperator: 'GT', AttributeValueList: [n(0), n(1)] } }),
    put({ a: { ComparisonOperator: 'XX', AttributeValueList: [n(0)] } }),
    ['PutItem', { TableName, Item: Key, ConditionalOperator: 'OR' }],
    ['PutItem', { TableName, Item: { ...Key, a: n(1), s: S('hello') } }],
    update({ a: { Value: n(5) } }),
    update({ a: { Action: 'ADD', Value: n(5) } }),
    update({ a: { Action: 'PUT', Value: n(1) }, s: { Action: 'DELETE' } }),
    update({ set: { Action: 'ADD', Value: { SS: ['a', 'b'] } } }),
    update({ set: { Action: 'DELETE', Value: { SS: ['a'] } } }),
    update({ list: { Action: 'ADD', Value: { L: [n(1)] } } }),
    update({ list: { Action: 'ADD', Value: { L: [n(2)] } } }),
    update({ a: { Action: 'ADD', Value: S('x') } }),
    update({ a: { Action: 'DELETE', Value: n(1) } }),
    update({ a: { Action: 'PUT' } }),
    update({ a: { Action: 'XXX', Value: n(1) } }),
    update({ p: { Value: S('x') } }),
    update({}),
    update({ a: { Value: n(5) } }, { UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':a': n(1) } }),
    query({ p: eq(S('a')) }),
    query({ p: eq(S('a')), r: { ComparisonOperator: 'GE', AttributeValueList: [n(1)] } }),
    query({ p: eq(S('a')), r: { ComparisonOperator: 'NE', AttributeValueList: [n(1)] } }),
    query({ p: eq(S('a')), a: eq(n(1)) }),
    query({ r: eq(n(1)) }),
    query({ p: { ComparisonOperator: 'GT', AttributeValueList: [S('a')] } }),
    query({ p: eq(S('a')) }, { QueryFilter: { a: eq(n(1)) } }),
    query({ p: eq(S('a')) }, { QueryFilter: { a: eq(n(1)), s: eq(S('x')) }, ConditionalOperator: 'OR' }),
    query({ p: eq(S('a')) }, { QueryFilter: { r: eq(n(1)) } }),
    query({ p: eq(S('a')) }, { FilterExpression: 'a = :a', ExpressionAttributeValues: { ':a': n(1) } }),
    query({ p: eq(S('a')) }, { AttributesToGet: ['a'] }),
    query({}),
  ];
}

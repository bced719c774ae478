import { describe, expect, it } from 'vitest';
import { savedQueries } from '../../../examples/bank/saved-queries.ts';
import {
  checkSavedQueries,
  readNamedText,
  SAVED_QUERIES,
  type SavedQuery,
  toNamedText,
} from '../../../src/archive/saved-queries.ts';
import { bindNames, type ParameterType, toLiteral } from '../../../src/archive/sql-text.ts';

const ALL = [...SAVED_QUERIES, ...savedQueries];

describe('saved queries', () => {
  it('can be deployed, all at once', () => {
    expect(() => checkSavedQueries(ALL)).not.toThrow();
  });

  it.each(ALL.map((query) => [query.name, query] as const))('%s comes back from its deployed text', (name, query) => {
    const read = readNamedText(name, query.question, toNamedText(query));
    expect(read.parameters).toEqual(query.parameters ?? {});
    expect(read.positions).toEqual(bindNames(query.sql).names);
    expect(read.sql.split('?').length - 1).toBe(read.positions.length);
  });

  it('say in their first lines which parameter each ? is', () => {
    const history = SAVED_QUERIES.find(({ name }) => name === 'history-of-aggregate')!;
    expect(toNamedText(history).split('\n').slice(0, 6)).toEqual([
      "-- What is an aggregate's history, from one version to another",
      "-- 1 aggregate varchar: The aggregate's id",
      '-- 2 aggregate varchar',
      '-- 3 from bigint: The first version',
      '-- 4 to bigint: The last version, included',
      'SELECT version, type, occurred_at, recorded_at, data, metadata',
    ]);
  });

  it('of somebody’s own hand have numbers for names', () => {
    expect(readNamedText('mine', '', '-- mine\nSELECT 1 FROM events WHERE type = ? AND version > ?')).toMatchObject({
      positions: ['1', '2'],
      parameters: { 1: { type: 'varchar' }, 2: { type: 'varchar' } },
    });
  });

  const good: SavedQuery = { name: 'good', question: 'Is it good?', sql: 'SELECT 1 FROM events' };
  const a = { type: 'varchar', description: '' } as const;
  it.each<[SavedQuery[], string]>([
    [[{ ...good, name: 'Not Good' }], 'lower case'],
    [[{ ...good, name: 'x'.repeat(101) }], 'at most 100'],
    [[good, good], 'two of this name'],
    [[{ ...good, question: 'a\nb' }], 'one line'],
    [[{ ...good, sql: 'SELECT 1 FROM events WHERE type = ?' }], 'has a \\?'],
    [[{ ...good, sql: 'SELECT 1 FROM events WHERE type = :type' }], ':type, which is not among'],
    [[{ ...good, parameters: { a } }], 'has no :a'],
    [[{ ...good, parameters: { 'a b': a } }], 'is no name'],
    [[{ ...good, sql: ':a', parameters: { a: { ...a, type: 'json' as ParameterType } } }], 'is a json'],
    [[{ ...good, sql: ':a', parameters: { a: { ...a, description: 'a\nb' } } }], 'one line'],
    [[{ ...good, sql: ':a', parameters: { a: { ...a, oneOf: ['a|b'] } } }], 'letters, digits'],
    [[{ ...good, sql: ' '.repeat(262_144) }], 'longer than'],
  ])('that could not be asked are refused: %#', (queries, problem) => {
    expect(() => checkSavedQueries(queries)).toThrow(new RegExp(`archive.savedQuery: .*${problem}`));
  });
});

describe('parameters', () => {
  it('are found where they are parameters', () => {
    expect(
      bindNames(`SELECT ':no', ":no", x::bigint, json_object('k':x), '12:30' -- :no
        /* :no ? */ FROM \`:no\` WHERE a = :a AND b IN (:b,:a) AND c < ?`),
    ).toEqual({
      sql: `SELECT ':no', ":no", x::bigint, json_object('k':x), '12:30' -- :no
        /* :no ? */ FROM \`:no\` WHERE a = ? AND b IN (?,?) AND c < ?`,
      names: ['a', 'b', 'a', '4'],
    });
  });

  it.each<[ParameterType, string, string]>([
    ['varchar', "O'Hara", "'O''Hara'"],
    ['varchar', "' OR 1=1 --", "''' OR 1=1 --'"],
    ['varchar', '', "''"],
    ['varchar', 'a\\b\nc 😀', "'a\\b\nc 😀'"],
    ['bigint', '-5', '-5'],
    ['bigint', '9223372036854775807', '9223372036854775807'],
    ['double', '-1.5e3', "CAST('-1.5e3' AS DOUBLE)"],
    ['decimal', '12.50', '12.50'],
    ['boolean', 'TRUE', 'true'],
    ['date', '2024-02-29', "CAST('2024-02-29' AS DATE)"],
    ['timestamp', '2026-01-31T12:00:00+01:00', "CAST('2026-01-31 11:00:00.000' AS TIMESTAMP)"],
  ])('a %s %j becomes a literal', (type, value, literal) => {
    expect(toLiteral('p', type, value)).toBe(literal);
  });

  it.each<[ParameterType, string]>([
    ['varchar', 'a\0b'],
    ['varchar', '\ud800'],
    ['varchar', 'x'.repeat(1023)],
    ['bigint', '1; DROP TABLE events'],
    ['bigint', '9223372036854775808'],
    ['bigint', '1.0'],
    ['bigint', ''],
    ['double', '1e999'],
    ['double', "1' AS DOUBLE) OR (1=1"],
    ['decimal', '1e5'],
    ['boolean', 'yes'],
    ['date', '2026-02-29'],
    ['date', '2026-1-1'],
    ['timestamp', '2026-01-31'],
    ['timestamp', '2026-01-31T12:00:00'],
  ])('a %s %j is refused', (type, value) => {
    expect(() => toLiteral('p', type, value)).toThrow(/archive.parameterValue: The parameter p/);
  });
});

import { describe, expect, it } from 'vitest';
import type { ResultColumn, ResultRow } from '../../../src/archive/query-engine.ts';
import { fitted, oneLine, widthOf } from '../../../src/cli/cells.ts';
import { apart, csvFormat, jsonLinesFormat } from '../../../src/cli/sql-formats.ts';
import { tableFormat } from '../../../src/cli/sql-table.ts';

const text = (name: string): ResultColumn => ({ name, type: 'varchar' });
const number = (name: string): ResultColumn => ({ name, type: 'bigint' });

function shown(columns: readonly ResultColumn[], rows: readonly ResultRow[], width: number, colored = false): string[] {
  const terminal = { columns: width, colored, out: () => {}, err: () => {} };
  const format = tableFormat(columns, terminal);
  return (format.rows(rows) + format.end()).trimEnd().split('\n');
}

describe('a table', () => {
  it('is as wide as the terminal: texts are cut, numbers and times are not', () => {
    const time = { name: 'at', type: 'timestamp' };
    const rows = [['1234567890123', '2026-01-05 11:22:50.306', 'a long text that has no room', 'another one of these']];
    const lines = shown([number('n'), time, text('first'), text('second')], rows, 60);
    expect(lines).toEqual([
      '            n  at                       first      second',
      '─────────────  ───────────────────────  ─────────  ─────────',
      '1234567890123  2026-01-05 11:22:50.306  a long t…  another …',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  it('cuts the widest first', () => {
    const lines = shown([text('a'), text('b')], [['x'.repeat(50), 'y'.repeat(12)]], 40);
    expect(lines[2]).toBe(`${'x'.repeat(25)}…  ${'y'.repeat(12)}`);
  });

  it('becomes a line for each value where there are too many columns', () => {
    const columns = [number('version'), text('a'), text('b'), text('c')];
    expect(
      shown(
        columns,
        [
          ['1', 'x'.repeat(40), undefined, 'z'],
          ['2', 'x', 'y', 'z'],
        ],
        18,
      ),
    ).toEqual([
      'row 1',
      'version  1',
      `a        ${'x'.repeat(9)}…`,
      'b        NULL',
      'c        z',
      'row 2',
      'version  2',
      'a        x',
      'b        y',
      'c        z',
    ]);
  });

  it('lays its columns out by the first rows, and cuts what comes later', () => {
    const terminal = { columns: 20, colored: false, out: () => {}, err: () => {} };
    const format = tableFormat([text('a'), number('n')], terminal);
    const first = format.rows(Array.from({ length: 500 }, (_, i) => ['ab', String(i)]));
    expect(first.split('\n').slice(0, 3)).toEqual(['a     n', '──  ───', 'ab    0']);
    expect(format.rows([['abcdef', '1']])).toBe('a…    1\n');
    expect(format.end()).toBe('');
  });

  it('shows nothing but the head where there are no rows', () => {
    expect(shown([text('a'), number('n')], [], 80)).toEqual(['a  n', '─  ─']);
  });

  it('paints nulls and heads, and only them', () => {
    const lines = shown([text('a')], [[undefined], ['NULL']], 80, true);
    expect(lines.map((line) => line.includes('\u001b'))).toEqual([true, true, true, false]);
  });

  it('lets no value move the cursor or tell the terminal something', () => {
    const lines = shown([text('a')], [['x\u001b[2Jy\r\nz\u0007\u202e\ttab']], 80);
    expect(lines[2]).toBe('x·[2Jy⏎z··→tab');
  });
});

describe('cells', () => {
  it('know how wide they are', () => {
    expect(['abc', '日本', '👍', 'e\u0301', ''].map(widthOf)).toEqual([3, 4, 2, 1, 0]);
    expect(fitted('日本語', 5, 'left')).toBe('日本…');
    expect(fitted('日本語', 4, 'left')).toBe('日… ');
    expect(fitted('👍👍', 3, 'right')).toBe('👍…');
    expect(oneLine('plain')).toBe('plain');
  });
});

describe('names', () => {
  it('that are alike are told apart where an object would lose one', () => {
    const columns = [number('n'), number('N'), number('n_2'), number('n')];
    expect(apart(columns).map(({ name }) => name)).toEqual(['n', 'N_2', 'n_2_2', 'n_3']);
    expect(jsonLinesFormat(columns).rows([['1', '2', '3', '4']])).toBe('{"n":1,"N_2":2,"n_2_2":3,"n_3":4}\n');
    expect(csvFormat(columns).end()).toBe('n,N,n_2,n\r\n');
  });

  it('and values that are no JSON stay texts', () => {
    const types = ['double', 'double', 'json', 'json', 'boolean', 'decimal'];
    const columns = types.map((type, i) => ({ name: `c${i}`, type }));
    const row = ['NaN', '1.0E10', '{"a":\n 9007199254740993}', '{', 'true', '12.50'];
    expect(jsonLinesFormat(columns).rows([row])).toBe(
      '{"c0":"NaN","c1":1.0E10,"c2":{"a": 9007199254740993},"c3":"{","c4":true,"c5":12.50}\n',
    );
  });
});

import type { ResultColumn, ResultRow } from '../archive/query-engine.ts';
import { isJson } from '../event/json-text.ts';

/** Makes text of rows, batch by batch. */
export interface RowFormat {
  rows(batch: readonly ResultRow[]): string;
  /** What was held back, and what closes. */
  end(): string;
}

/** RFC 4180 with the names in the first line; a null is empty, an empty text is `""`. */
export function csvFormat(columns: readonly ResultColumn[]): RowFormat {
  let head = lineOf(columns.map(({ name }) => name));
  return {
    rows(batch) {
      const text = head + batch.map(lineOf).join('');
      head = '';
      return text;
    },
    end: () => head,
  };
}

const lineOf = (row: ResultRow) => `${row.map(cellOf).join(',')}\r\n`;

function cellOf(value: string | undefined): string {
  if (value === undefined) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** One object a line. Numbers stand as Athena wrote them, so none loses a digit; times and what is nested are texts. */
export function jsonLinesFormat(columns: readonly ResultColumn[]): RowFormat {
  const keys = apart(columns).map(({ name }) => JSON.stringify(name));
  const writers = columns.map(({ type }) => JSON_VALUES[type] ?? JSON.stringify);
  const toJson = (value: string | undefined, i: number) => (value === undefined ? 'null' : writers[i]!(value));
  return {
    rows: (batch) =>
      batch.map((row) => `{${keys.map((key, i) => `${key}:${toJson(row[i], i)}`).join(',')}}\n`).join(''),
    end: () => '',
  };
}

const numeral = (value: string) =>
  /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(value) ? value : JSON.stringify(value); // NaN, Infinity
const JSON_VALUES: Readonly<Record<string, (value: string) => string>> = {
  tinyint: numeral,
  smallint: numeral,
  integer: numeral,
  bigint: numeral,
  float: numeral,
  real: numeral,
  double: numeral,
  decimal: numeral,
  json: (value) => (isJson(value) ? value.replaceAll(/\s*[\r\n]\s*/g, ' ') : JSON.stringify(value)),
  boolean: (value) => (value === 'true' || value === 'false' ? value : JSON.stringify(value)),
};

/** Two columns of one name would be one in an object: the second becomes `name_2`. */
export function apart(columns: readonly ResultColumn[]): readonly ResultColumn[] {
  const taken = new Set<string>();
  return columns.map((column) => {
    let { name } = column;
    for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${column.name}_${i}`;
    taken.add(name.toLowerCase());
    return { ...column, name };
  });
}

import { quoteName, quoteText } from './duckdb-text.ts';
import { timePattern } from './time-text.ts';
import { mendedSql } from './torn-text.ts';
import type { ColumnType, TypedColumn } from './typed-columns.ts';

/**
 * The typed columns of a row as DuckDB makes them of the text: each path is found once, whatever number of types has it. A
 * value that the column cannot hold exactly is null: another JSON type, an integer beyond 64 bits (or one that a double would
 * round, in a column of those), a time finer than milliseconds, half of a character. A decimal of more than 17 digits DuckDB
 * reads as the nearest double before it is seen here. The text has it as it was.
 */
export function typedSelect(columns: readonly TypedColumn[]): { readonly found: string; readonly select: string } {
  const pointers = [...new Set(columns.map(({ path }) => pointer(path)))];
  const wanted = [...new Set(columns.map(({ eventType }) => eventType))];
  if (columns.length === 0) return { found: 'NULL', select: '' };
  const paths = `[${pointers.map(quoteText).join(', ')}]`;
  const found =
    `CASE WHEN type IN (${wanted.map(quoteText).join(', ')}) THEN ` +
    `coalesce(TRY(json_extract(data, ${paths})), TRY(json_extract(${mendedSql('data', TORN)}, ${paths}))) END`;
  const select = columns.map(({ eventType, path, column, type }) => {
    const value = `(found[${pointers.indexOf(pointer(path)) + 1}]::VARCHAR)`;
    return `CASE WHEN type = ${quoteText(eventType)} THEN ${EXACT[type](value)} END AS ${quoteName(column)}`;
  });
  return { found, select: `, ${select.join(', ')}` };
}

/** A JSON pointer: names may hold dots and quotes. https://www.rfc-editor.org/rfc/rfc6901 */
const pointer = (path: readonly string[]) =>
  path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('') || '$';

/** What half a character is replaced by, so that the other fields can be read: ASCII's own sign for it, which DuckDB writes as an escape. */
const TORN = '\\\\u001A';
const text = (value: string) =>
  `CASE WHEN NOT contains(${value}, '\\') THEN ${value}[2:-2] ` +
  `WHEN NOT contains(${value}, '\\u001A') THEN json_extract_string(${value}, '$') END`;
/** A double holds 15 digits of any number; one with more must say the same text again. */
const digits = (value: string) => `length(regexp_replace(regexp_replace(${value}, '[eE].*', ''), '[^0-9]', '', 'g'))`;

const EXACT: Readonly<Record<ColumnType, (value: string) => string>> = {
  varchar: (value) => `CASE WHEN starts_with(${value}, '"') THEN ${text(value)} END`,
  bigint: (value) => `CASE WHEN TRY_CAST(${value} AS BIGINT)::VARCHAR = ${value} THEN TRY_CAST(${value} AS BIGINT) END`,
  double: (value) =>
    `CASE WHEN regexp_full_match(${value}, '-?[0-9].*') AND isfinite(TRY_CAST(${value} AS DOUBLE)) AND ` +
    `(${digits(value)} <= 15 OR TRY_CAST(${value} AS DOUBLE)::VARCHAR = ${value}) THEN TRY_CAST(${value} AS DOUBLE) END`,
  boolean: (value) => `CASE ${value} WHEN 'true' THEN true WHEN 'false' THEN false END`,
  timestamp: (value) =>
    `CASE WHEN regexp_full_match(${value}, '"${timePattern('[0-9]{1,3}')}"') ` +
    `THEN make_timestamp_ms(epoch_ms(TRY_CAST(upper(${value}[2:-2]) AS TIMESTAMPTZ)))::TIMESTAMP_MS END`,
};

import { ServiceError } from '../cloud.ts';
import { QueryFailure } from './errors.ts';

/** Athena's words for what DuckDB says. https://docs.aws.amazon.com/athena/latest/ug/error-reference.html */
export function toQueryFailure(error: unknown): QueryFailure {
  if (error instanceof QueryFailure) return error;
  if (error instanceof ServiceError) return new QueryFailure(`${error.code}: ${error.message}`);
  const message = error instanceof Error ? error.message : String(error);
  const [first = ''] = message.split('\n');
  // What a table's source says of itself is in Athena's words already.
  const said = /^Invalid Input Error: ((?:CONSTRAINT_VIOLATION|HIVE_CANNOT_OPEN_SPLIT): .*)/.exec(first);
  if (said !== null) return new QueryFailure(said[1]!);
  const column = /Referenced column "(.+?)" not found|does not have a column named "(.+?)"/.exec(first);
  if (column !== null) {
    return new QueryFailure(`COLUMN_NOT_FOUND: line 1:8: Column '${column[1] ?? column[2]}' cannot be resolved`);
  }
  if (first.includes("'Division by zero'")) return new QueryFailure('DIVISION_BY_ZERO: Division by zero');
  if (/^INTERRUPT/i.test(first)) return new QueryFailure('Query was cancelled by the user', true);
  const code = CODES.find(([pattern]) => pattern.test(first))?.[1] ?? 'GENERIC_INTERNAL_ERROR';
  return new QueryFailure(`${code}: ${first.replace(/^[\w ]+ Error: /, '')}`);
}

const CODES: readonly (readonly [RegExp, string])[] = [
  [/^Conversion Error/, 'INVALID_CAST_ARGUMENT'],
  [/^Parser Error/, 'SYNTAX_ERROR'],
  [/^Binder Error.*(type|argument)/, 'TYPE_MISMATCH'],
  [/^(Binder|Catalog) Error/, 'SYNTAX_ERROR'],
  [/^Out of Range Error/, 'NUMERIC_VALUE_OUT_OF_RANGE'],
  [/^IO Error/, 'HIVE_CANNOT_OPEN_SPLIT'],
  [/^Permission Error/, 'PERMISSION_DENIED'],
  [/^Out of Memory Error/, 'EXCEEDED_LOCAL_MEMORY_LIMIT'],
  [/^Invalid( Input)? Error.*(parquet|Parquet|footer|magic)/, 'HIVE_BAD_DATA'],
  [/^Invalid Input Error/, 'INVALID_FUNCTION_ARGUMENT'],
];

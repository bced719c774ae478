import type { DuckDBType } from '@duckdb/node-api';
import { quoteName, quoteText } from '../glue/hive-type.ts';

/** A column of a result, as GetQueryResults describes it. */
export interface ResultColumn {
  readonly name: string;
  readonly type: string;
  readonly precision: number;
  readonly scale: number;
}

type AnyType = DuckDBType & {
  readonly valueType?: DuckDBType;
  readonly keyType?: DuckDBType;
  readonly entryNames?: readonly string[];
  readonly entryTypes?: readonly DuckDBType[];
  readonly width?: number;
  readonly scale?: number;
  readonly alias?: string;
};

/** Kinds of DuckDB types, by what they print. */
function kindOf(type: DuckDBType): string {
  const text = type.toString().toUpperCase();
  const of = type as AnyType;
  if (of.alias === 'JSON' || text === 'JSON') return 'JSON';
  if (of.valueType !== undefined && of.keyType !== undefined) return 'MAP';
  if (of.valueType !== undefined) return 'LIST';
  if (of.entryNames !== undefined && text.startsWith('STRUCT')) return 'STRUCT';
  return text.replace(/\(.*$/, '').trim();
}

const TYPES: Readonly<Record<string, readonly [name: string, precision: number, scale: number]>> = {
  VARCHAR: ['varchar', 2147483647, 0],
  BOOLEAN: ['boolean', 0, 0],
  TINYINT: ['tinyint', 3, 0],
  SMALLINT: ['smallint', 5, 0],
  INTEGER: ['integer', 10, 0],
  BIGINT: ['bigint', 19, 0],
  HUGEINT: ['bigint', 19, 0],
  UBIGINT: ['bigint', 19, 0],
  UTINYINT: ['tinyint', 3, 0],
  USMALLINT: ['integer', 10, 0],
  UINTEGER: ['bigint', 19, 0],
  FLOAT: ['float', 17, 0],
  DOUBLE: ['double', 17, 0],
  DATE: ['date', 0, 0],
  TIME: ['time', 3, 0],
  TIMESTAMP: ['timestamp', 3, 0],
  TIMESTAMP_S: ['timestamp', 3, 0],
  TIMESTAMP_MS: ['timestamp', 3, 0],
  TIMESTAMP_NS: ['timestamp', 3, 0],
  'TIMESTAMP WITH TIME ZONE': ['timestamp with time zone', 3, 0],
  BLOB: ['varbinary', 1073741824, 0],
  JSON: ['json', 2147483647, 0],
  UUID: ['uuid', 0, 0],
  INTERVAL: ['interval day to second', 0, 0],
  LIST: ['array', 0, 0],
  MAP: ['map', 0, 0],
  STRUCT: ['row', 0, 0],
};

export function resultColumn(name: string, type: DuckDBType): ResultColumn {
  const kind = kindOf(type);
  if (kind === 'DECIMAL') {
    const { width = 38, scale = 0 } = type as AnyType;
    return { name, type: 'decimal', precision: width, scale };
  }
  const [athena, precision, scale] = TYPES[kind] ?? ['varchar', 2147483647, 0];
  return { name, type: athena, precision, scale };
}

/** The expression that writes a value as Athena does: timestamps with three digits, doubles as Java has them, `[a, b]`, `{k=v}`. */
export function formatExpression(expression: string, type: DuckDBType, depth = 0): string {
  const of = type as AnyType;
  switch (kindOf(type)) {
    case 'VARCHAR':
      return expression;
    case 'DOUBLE':
    case 'FLOAT':
      return `athena_double(${expression})`;
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
      return `strftime(CAST(${expression} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')`;
    case 'TIMESTAMP WITH TIME ZONE':
      return `strftime(timezone('UTC', ${expression}), '%Y-%m-%d %H:%M:%S.%g UTC')`;
    case 'BLOB':
      return `rtrim(regexp_replace(lower(hex(${expression})), '(..)', '\\1 ', 'g'))`;
    case 'LIST': {
      const one = `x${depth}`;
      const inner = orNull(formatExpression(one, of.valueType!, depth + 1));
      return `('[' || array_to_string(list_transform(${expression}, lambda ${one}: ${inner}), ', ') || ']')`;
    }
    case 'MAP': {
      const one = `x${depth}`;
      const key = formatExpression(`${one}.key`, of.keyType!, depth + 1);
      const value = orNull(formatExpression(`${one}.value`, of.valueType!, depth + 1));
      return `('{' || array_to_string(list_transform(map_entries(${expression}), lambda ${one}: ${key} || '=' || ${value}), ', ') || '}')`;
    }
    case 'STRUCT': {
      const fields = of.entryNames!.map((name, i) => {
        const value = orNull(
          formatExpression(`struct_extract(${expression}, ${quoteText(name)})`, of.entryTypes![i]!, depth + 1),
        );
        return `${quoteText(name === '' ? '' : `${name}=`)} || ${value}`;
      });
      return `CASE WHEN ${expression} IS NULL THEN NULL ELSE '{' || ${fields.join(" || ', ' || ")} || '}' END`;
    }
    default:
      return `CAST(${expression} AS VARCHAR)`;
  }
}

const orNull = (text: string) => `coalesce(${text}, 'null')`;

/** The query whose result is the CSV file: every column a text. */
export function formatQuery(
  sql: string,
  columns: readonly { readonly name: string; readonly type: DuckDBType }[],
): string {
  const positions = columns.map((_column, i) => `c${i}`);
  const formatted = columns.map(
    ({ name, type }, i) => `${formatExpression(positions[i]!, type)} AS ${quoteName(name)}`,
  );
  return `SELECT ${formatted.join(', ')} FROM (${sql}) AS result(${positions.join(', ')})`;
}

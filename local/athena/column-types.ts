import type { DuckDBType } from '@duckdb/node-api';
import { resultColumn } from './result-format.ts';

/** The type of a column as Glue writes it. */
export function glueType(type: DuckDBType): string {
  const { type: name, precision, scale } = resultColumn('', type);
  if (name === 'decimal') return `decimal(${precision},${scale})`;
  const simple: Record<string, string> = {
    varchar: 'string',
    integer: 'int',
    varbinary: 'binary',
    json: 'string',
    'timestamp with time zone': 'timestamp',
  };
  if (['array', 'map', 'row'].includes(name)) return nestedGlueType(type);
  return simple[name] ?? name;
}

function nestedGlueType(type: DuckDBType): string {
  const of = type as DuckDBType & {
    readonly valueType?: DuckDBType;
    readonly keyType?: DuckDBType;
    readonly entryNames?: readonly string[];
    readonly entryTypes?: readonly DuckDBType[];
  };
  if (of.keyType !== undefined) return `map<${glueType(of.keyType)},${glueType(of.valueType!)}>`;
  if (of.valueType !== undefined) return `array<${glueType(of.valueType)}>`;
  return `struct<${of.entryNames!.map((name, i) => `${name}:${glueType(of.entryTypes![i]!)}`).join(',')}>`;
}

/** The type of a view's column as its definition writes it. */
export function prestoType(type: DuckDBType): string {
  const { type: name, precision, scale } = resultColumn('', type);
  if (name === 'decimal') return `decimal(${precision},${scale})`;
  return name === 'timestamp' ? 'timestamp(3)' : name;
}

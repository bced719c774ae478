/** A column's type as Glue writes it: `bigint`, `decimal(10,2)`, `array<struct<a:int>>`, `map<string,int>`. */
export type HiveType =
  | { readonly kind: 'primitive'; readonly name: PrimitiveName }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'array'; readonly element: HiveType }
  | { readonly kind: 'map'; readonly key: HiveType; readonly value: HiveType }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: HiveType }[] };

const PRIMITIVES = [
  'string',
  'boolean',
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'date',
  'timestamp',
  'binary',
] as const;
export type PrimitiveName = (typeof PRIMITIVES)[number];

const ALIASES: Readonly<Record<string, PrimitiveName>> = { integer: 'int', varchar: 'string', char: 'string' };

/** A type that this reader does not know; the message names it. */
export class UnknownHiveType extends Error {}

/** https://docs.aws.amazon.com/athena/latest/ug/data-types.html */
export function parseHiveType(text: string): HiveType {
  const source = text.trim();
  let at = 0;
  const fail = (): never => {
    throw new UnknownHiveType(`the type ${text} is not known: at ${JSON.stringify(source.slice(at, at + 20))}`);
  };
  const take = (token: string) => {
    if (!source.startsWith(token, at)) fail();
    at += token.length;
  };
  const word = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0] ?? fail();
    at += found.length;
    return found;
  };
  const parse = (): HiveType => {
    const name = word(/[A-Za-z]+/y).toLowerCase();
    if (name === 'array') {
      take('<');
      const element = parse();
      take('>');
      return { kind: 'array', element };
    }
    if (name === 'map') {
      take('<');
      const key = parse();
      take(',');
      const value = parse();
      take('>');
      return { kind: 'map', key, value };
    }
    if (name === 'struct') {
      const fields: { name: string; type: HiveType }[] = [];
      take('<');
      while (source[at] !== '>') {
        if (fields.length > 0) take(',');
        const field = word(/[^:,<>]+/y).trim();
        take(':');
        fields.push({ name: field, type: parse() });
      }
      take('>');
      return { kind: 'struct', fields };
    }
    if (name === 'decimal') {
      if (source[at] !== '(') return { kind: 'decimal', precision: 10, scale: 0 };
      take('(');
      const precision = Number(word(/\d+/y));
      let scale = 0;
      if (source[at] === ',') {
        take(',');
        scale = Number(word(/\s*\d+/y));
      }
      take(')');
      return { kind: 'decimal', precision, scale };
    }
    if (source[at] === '(' && (name === 'varchar' || name === 'char')) {
      take('(');
      word(/\d+/y);
      take(')');
    }
    const primitive = ALIASES[name] ?? PRIMITIVES.find((known) => known === name);
    return primitive === undefined ? fail() : { kind: 'primitive', name: primitive };
  };
  const type = parse();
  if (at !== source.length) fail();
  return type;
}

const DUCKDB: Readonly<Record<PrimitiveName, string>> = {
  string: 'VARCHAR',
  boolean: 'BOOLEAN',
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  binary: 'BLOB',
};

/** The type that DuckDB has for it. */
export function toDuckDbType(type: HiveType): string {
  switch (type.kind) {
    case 'primitive':
      return DUCKDB[type.name];
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `${toDuckDbType(type.element)}[]`;
    case 'map':
      return `MAP(${toDuckDbType(type.key)}, ${toDuckDbType(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map(({ name, type: of }) => `${quoteName(name)} ${toDuckDbType(of)}`).join(', ')})`;
  }
}

/** A name as SQL writes it, whatever is in it. */
export const quoteName = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** A text as SQL writes it, whatever is in it. */
export const quoteText = (text: string) => `'${text.replaceAll("'", "''")}'`;

import './errors.ts';
import { DaybookError } from '../errors.ts';
import { isDay, toInstant } from '../event/time.ts';

/** A query as Athena takes it: `?` for each parameter, and which one each `?` is. */
export interface BoundText {
  readonly sql: string;
  /** The parameters' names in the order of their `?`; a `?` that was written by hand has its number, from 1, as its name. */
  readonly names: readonly string[];
}

const BEFORE_WORD = /^(?:\s|\(|--[^\n]*|\/\*[\s\S]*?\*\/)+/;
const QUERIES = ['SELECT', 'WITH', 'VALUES', 'TABLE', 'SHOW', 'DESCRIBE', 'DESC', 'UNLOAD'];

/**
 * Does a statement only read? By its first word; of EXPLAIN, which with ANALYZE runs what it explains, by the statement's own.
 * UNLOAD writes its answer to S3 and changes nothing that is there: "the location must be empty" (Amazon Athena User Guide, UNLOAD).
 *
 * @example
 * isQuery('DROP VIEW events'); // false
 */
export function isQuery(text: string): boolean {
  const sql = text.replace(BEFORE_WORD, '');
  const [explain] = /^EXPLAIN\b(?:\s+(?:ANALYZE|VERBOSE)\b)*(?:\s*\([^)]*\))?/i.exec(sql) ?? [];
  if (explain !== undefined)
    return isQuery(sql.slice(explain.length)) || isQuery(sql.slice(explain.split('(')[0]!.length));
  return QUERIES.includes((/^[A-Za-z]+/.exec(sql)?.[0] ?? '').toUpperCase());
}

// Comments, texts and quoted names are passed over. `::` is no parameter, nor is the colon of `'key' : value` or of a time.
const PART =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|::|\?|(?<![\w'"\])]):([A-Za-z_]\w*)/g;

/**
 * Puts `?` where a query names its parameters, `:aggregate`: Athena knows only parameters by position.
 *
 * @example
 * bindNames('SELECT * FROM events WHERE type = :type'); // { sql: 'SELECT * FROM events WHERE type = ?', names: ['type'] }
 */
export function bindNames(text: string): BoundText {
  const names: string[] = [];
  const sql = text.replace(PART, (part, name: string | undefined) => {
    if (part !== '?' && name === undefined) return part;
    names.push(name ?? String(names.length + 1));
    return '?';
  });
  return { sql, names };
}

/** What a parameter may be. */
export const PARAMETER_TYPES = ['varchar', 'bigint', 'double', 'decimal', 'boolean', 'date', 'timestamp'] as const;

export type ParameterType = (typeof PARAMETER_TYPES)[number];

// "Length Constraints: … Maximum length of 1024", each of StartQueryExecution's ExecutionParameters.
const LONGEST = 1024;
const LARGEST = 2n ** 63n - 1n;

/**
 * A value as the literal that Athena wants for a parameter: "To have SQL execution parameters treated as strings, they must
 * be enclosed in single quotes", a quote in them doubled; dates "for the parameter value enter CAST('2014-07-05' AS DATE)"
 * (Amazon Athena User Guide, Use parameterized queries). Whatever is no value of the type is refused.
 *
 * @throws `archive.parameterValue`
 * @example
 * toLiteral('name', 'varchar', "O'Hara"); // 'O''Hara', in quotes
 */
export function toLiteral(name: string, type: ParameterType, value: string): string {
  const literal = LITERALS[type](value);
  if (literal === undefined) {
    throw new DaybookError('archive.parameterValue', { name, type, value, allowed: ALLOWED[type] });
  }
  if (Buffer.byteLength(literal) > LONGEST) {
    throw new DaybookError('archive.parameterValue', { name, type, value, allowed: `at most ${LONGEST} bytes` });
  }
  return literal;
}

const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;

const LITERALS: Readonly<Record<ParameterType, (value: string) => string | undefined>> = {
  varchar: (value) => (value.includes('\0') || !isWellFormed(value) ? undefined : quoted(value)),
  bigint: (value) => {
    if (!/^-?\d{1,19}$/.test(value)) return undefined;
    const number = BigInt(value);
    return number > LARGEST || number < -LARGEST ? undefined : String(number);
  },
  double: (value) => {
    const isNumber = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) && Number.isFinite(Number(value));
    return isNumber ? `CAST('${value}' AS DOUBLE)` : undefined;
  },
  decimal: (value) => (/^-?\d{1,28}(\.\d{1,10})?$/.test(value) ? value : undefined),
  boolean: (value) => (/^(true|false)$/i.test(value) ? value.toLowerCase() : undefined),
  date: (value) => (isDay(value) ? `CAST('${value}' AS DATE)` : undefined),
  timestamp: (value) => {
    const instant = toInstant(value);
    if ('problem' in instant) return undefined;
    return `CAST('${instant.instant.replace('T', ' ').replace('Z', '')}' AS TIMESTAMP)`;
  },
};

const ALLOWED: Readonly<Record<ParameterType, string>> = {
  varchar: 'a text without the character NUL',
  bigint: 'a whole number within ±9223372036854775807',
  double: 'a number such as -1.5 or 2e9',
  decimal: 'a decimal number such as 12.50, of at most 28 digits before the point and 10 behind it',
  boolean: 'true or false',
  date: 'a day such as 2026-01-31',
  timestamp: 'a time with its zone such as 2026-01-31T12:00:00Z',
};

/** Half of a character cannot be sent. */
const isWellFormed = (value: string) =>
  !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value);

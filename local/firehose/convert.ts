import type { HiveType } from '../glue/hive-type.ts';
import { elementsOf, membersOf, NotJson, type Slice, splitDocuments } from './json-documents.ts';

export interface Column {
  readonly name: string;
  readonly type: HiveType;
}

export interface ConvertOptions {
  readonly columns: readonly Column[];
  readonly caseInsensitive: boolean;
  readonly dotsToUnderscores: boolean;
  readonly keyOfColumn: Readonly<Record<string, string>>;
}

/** A record that does not fit the table. */
export class CannotConvert extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * One record's rows as JSON lines that DuckDB reads with the table's types: every value is checked here, and numbers and
 * texts travel as they were written, so that nothing is rounded. The whole record converts, or none of it does.
 */
export function convertRecord(data: Uint8Array, options: ConvertOptions): string[] {
  let text: string;
  try {
    text = decoder.decode(data);
  } catch {
    throw new CannotConvert('the record is not valid UTF-8');
  }
  try {
    return splitDocuments(text).map((document) => {
      JSON.parse(text.slice(document.start, document.end));
      return convertDocument(text, document, options);
    });
  } catch (error) {
    if (error instanceof NotJson || error instanceof SyntaxError)
      throw new CannotConvert(`the record is not JSON: ${error.message}`);
    throw error;
  }
}

function convertDocument(text: string, document: Slice, options: ConvertOptions): string {
  const values = new Map<string, Slice>();
  for (const [key, value] of membersOf(text, document)) values.set(jsonKey(key, options), value);
  const members: string[] = [];
  for (const { name, type } of options.columns) {
    const key = options.keyOfColumn[name] ?? (options.caseInsensitive ? name.toLowerCase() : name);
    const slice = values.get(key);
    if (slice === undefined) continue;
    members.push(`${JSON.stringify(name)}:${convertValue(text, slice, type, name, options)}`);
  }
  return `{${members.join(',')}}`;
}

function jsonKey(key: string, options: ConvertOptions): string {
  const dotted = options.dotsToUnderscores ? key.replaceAll('.', '_') : key;
  return options.caseInsensitive ? dotted.toLowerCase() : dotted;
}

function convertValue(text: string, slice: Slice, type: HiveType, path: string, options: ConvertOptions): string {
  const raw = text.slice(slice.start, slice.end);
  if (raw === 'null') return 'null';
  const first = raw[0];
  switch (type.kind) {
    case 'array': {
      if (first !== '[') throw wrong(path, 'array', raw);
      const elements = elementsOf(text, slice).map((one, i) =>
        convertValue(text, one, type.element, `${path}[${i}]`, options),
      );
      return `[${elements.join(',')}]`;
    }
    case 'map': {
      if (first !== '{') throw wrong(path, 'map', raw);
      const members = membersOf(text, slice).map(
        ([key, value]) => `${JSON.stringify(key)}:${convertValue(text, value, type.value, `${path}.${key}`, options)}`,
      );
      return `{${members.join(',')}}`;
    }
    case 'struct': {
      if (first !== '{') throw wrong(path, 'struct', raw);
      return convertDocument(text, slice, { ...options, keyOfColumn: {}, columns: type.fields });
    }
    case 'decimal':
      return decimal(unquote(raw), type.precision, type.scale, path);
    case 'primitive':
      return primitive(raw, type.name, path);
  }
}

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  tinyint: [-128n, 127n],
  smallint: [-32768n, 32767n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
};

function primitive(raw: string, name: string, path: string): string {
  switch (name) {
    case 'string': {
      // OpenX gives what is no string as its JSON text.
      if (raw[0] !== '"') return JSON.stringify(raw);
      if (raw.includes('\\u') && /\p{Cs}/u.test(JSON.parse(raw)))
        throw new CannotConvert(`${path}: half of a surrogate pair is no text`);
      return raw;
    }
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint': {
      const number = unquote(raw);
      if (!/^-?\d+$/.test(number)) throw wrong(path, name, raw);
      const [least, most] = RANGES[name]!;
      const value = BigInt(number);
      if (value < least || value > most) throw wrong(path, name, raw);
      return String(value);
    }
    case 'float':
    case 'double': {
      const number = unquote(raw);
      if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(number)) throw wrong(path, name, raw);
      return `"${number}"`;
    }
    case 'boolean': {
      const value = unquote(raw).toLowerCase();
      if (value !== 'true' && value !== 'false') throw wrong(path, name, raw);
      return value;
    }
    case 'timestamp':
      return `"${timestamp(raw, path)}"`;
    case 'date': {
      const value = unquote(raw);
      if (!/^\d{4}-\d\d-\d\d$/.test(value) || Number.isNaN(Date.parse(`${value}T00:00:00Z`)))
        throw wrong(path, name, raw);
      return raw;
    }
    default:
      throw new CannotConvert(`${path}: the type ${name} can't be written by the embedded Firehose`);
  }
}

/**
 * The formats that the documentation names: `yyyy-MM-dd'T'HH:mm:ss[.S]'Z'` and `yyyy-M-d HH:mm:ss[.S]` with up to nine
 * digits, epoch seconds (also floating point) and epoch milliseconds. An offset such as `+00:00` is not accepted.
 */
function timestamp(raw: string, path: string): string {
  const value = unquote(raw);
  if (/^-?\d+(\.\d+)?$/.test(value)) {
    // Ten digits are seconds until the year 2286, eleven and more are milliseconds.
    const number = Number(value);
    const ms = value.includes('.') || Math.abs(number) < 1e11 ? number * 1000 : number;
    if (Math.abs(ms) > 8.64e15) throw wrong(path, 'timestamp', raw);
    return new Date(Math.round(ms)).toISOString().replace('T', ' ').replace('Z', '');
  }
  const match =
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(value) ??
    /^(\d{4})-(\d{1,2})-(\d{1,2}) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?$/.exec(value);
  if (match === null) throw wrong(path, 'timestamp', raw);
  const [, year, month = '', day = '', time, fraction = ''] = match;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const parsed = new Date(`${date}T${time}Z`);
  if (Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(date)) throw wrong(path, 'timestamp', raw);
  return `${date} ${time}.${fraction.slice(0, 6).padEnd(6, '0')}`;
}

function decimal(number: string, precision: number, scale: number, path: string): string {
  const match = /^-?(\d+)(?:\.\d+)?$/.exec(number);
  if (match === null) throw wrong(path, `decimal(${precision},${scale})`, number);
  if (match[1]!.replace(/^0+/, '').length > precision - scale)
    throw wrong(path, `decimal(${precision},${scale})`, number);
  return `"${number}"`;
}

const unquote = (raw: string): string => (raw[0] === '"' ? String(JSON.parse(raw)).trim() : raw);

const wrong = (path: string, type: string, raw: string) =>
  new CannotConvert(`${path}: ${raw.length > 60 ? `${raw.slice(0, 60)}…` : raw} is no ${type}`);

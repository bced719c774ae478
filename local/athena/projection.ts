import type { Json } from '../cloud.ts';
import { QueryFailure, unsupported } from './errors.ts';

/** Does the projected range of a partition key admit this value? Values outside don't exist for Athena. */
export type Admits = (value: string) => boolean;

/** https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html */
export function projectionOf(key: string, parameters: Json, nowMs: number): Admits {
  const property = (name: string): string | undefined => parameters[`projection.${key}.${name}`];
  const required = (name: string): string => {
    const value = property(name);
    if (value === undefined) {
      throw new QueryFailure(
        `INVALID_TABLE_PROPERTY: The column '${key}' needs the table property projection.${key}.${name}`,
      );
    }
    return value;
  };
  const type = required('type').toLowerCase();
  if (type === 'injected') return () => true;
  if (type === 'enum') {
    const values = new Set(
      required('values')
        .split(',')
        .map((value) => value.trim()),
    );
    return (value) => values.has(value);
  }
  if (type === 'integer') {
    const [low, high] = rangeOf(required('range')).map(Number);
    const interval = Number(property('interval') ?? 1);
    const digits = Number(property('digits') ?? 0);
    return (value) => {
      if (!/^-?\d+$/.test(value) || (digits > 0 && value.length !== digits)) return false;
      const number = Number(value);
      return number >= low! && number <= high! && (number - low!) % interval === 0;
    };
  }
  if (type === 'date') {
    const format = required('format');
    const [low, high] = rangeOf(required('range')).map((bound) => boundOf(bound, format, nowMs));
    return (value) => {
      const at = parseDate(value, format);
      return at !== undefined && at >= low! && at <= high!;
    };
  }
  throw unsupported(`the projection type ${type}`);
}

function rangeOf(text: string): [string, string] {
  const [low, high] = text.split(',').map((part) => part.trim());
  if (low === undefined || high === undefined || high === '')
    throw new QueryFailure(`INVALID_TABLE_PROPERTY: the range ${text} needs two ends`);
  return [low, high];
}

const UNITS: Readonly<Record<string, number>> = {
  SECOND: 1000,
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
  WEEK: 604_800_000,
};

/** A date in the column's format, or `NOW`, `NOW-3YEARS`, `NOW+1DAYS`. */
function boundOf(text: string, format: string, nowMs: number): number {
  const relative = /^NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+?)S?)?$/i.exec(text);
  if (relative === null) {
    const at = parseDate(text, format);
    if (at === undefined) throw new QueryFailure(`INVALID_TABLE_PROPERTY: ${text} is no date of the format ${format}`);
    return at;
  }
  const [, sign, count, unit] = relative;
  if (sign === undefined) return nowMs;
  const by = Number(count) * (sign === '-' ? -1 : 1);
  const name = unit!.toUpperCase();
  const date = new Date(nowMs);
  if (name === 'MONTH') return date.setUTCMonth(date.getUTCMonth() + by);
  if (name === 'YEAR') return date.setUTCFullYear(date.getUTCFullYear() + by);
  const length = UNITS[name];
  if (length === undefined) throw new QueryFailure(`INVALID_TABLE_PROPERTY: ${text} has an unknown unit`);
  return nowMs + by * length;
}

/** By the letters of Java's DateTimeFormatter that partitions use. */
function parseDate(text: string, format: string): number | undefined {
  const order: string[] = [];
  const pattern = format.replace(
    /'([^']*)'|([yMdHms])\2*|[^A-Za-z']/g,
    (token, quoted: string | undefined, letter: string | undefined) => {
      if (letter !== undefined) {
        order.push(letter);
        return `(\\d{${token.length}})`;
      }
      return (quoted ?? token).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    },
  );
  const match = new RegExp(`^${pattern}$`).exec(text);
  if (match === null) return undefined;
  const part = (letter: string, otherwise: number) => {
    const i = order.indexOf(letter);
    return i < 0 ? otherwise : Number(match[i + 1]);
  };
  const at = Date.UTC(part('y', 1970), part('M', 1) - 1, part('d', 1), part('H', 0), part('m', 0), part('s', 0));
  return Number.isNaN(at) ? undefined : at;
}

import type { JsonFormat } from './json-schema.ts';
import type { Issue } from './json-value.ts';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|([+-])(\d{2}):(\d{2}))$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const TIME = /^\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
/** One @ with something before it and a name of a host behind it; whether it is anybody's only a letter to it can say. */
const EMAIL = /^[^\s@]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

const FORMATS: Readonly<Record<JsonFormat, (text: string) => boolean>> = {
  date: isDate,
  'date-time': (text) => parseDateTime(text) !== undefined,
  time: (text) => TIME.test(text) && parseDateTime(`2000-01-01T${text}`) !== undefined,
  uuid: (text) => UUID.test(text),
  email: (text) => EMAIL.test(text),
  uri: (text) => /^[a-z][a-z0-9+.-]*:\S+$/i.test(text) && URL.canParse(text),
};

export const SHAPES: Readonly<Record<JsonFormat, string>> = {
  date: 'a date (yyyy-MM-dd)',
  'date-time': 'a date-time with a zone (RFC 3339)',
  time: 'a time with a zone (RFC 3339)',
  uuid: 'a UUID',
  email: 'an e-mail address',
  uri: 'a URI with its scheme',
};

export function formatProblem(format: JsonFormat, text: string): Issue | undefined {
  if (FORMATS[format](text)) return undefined;
  return { path: '', problem: `${JSON.stringify(text.slice(0, 60))} is not ${SHAPES[format]}` };
}

function isDate(text: string): boolean {
  const match = DATE.exec(text);
  return match !== null && isDay(Number(match[1]), Number(match[2]), Number(match[3]));
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // What is no day becomes one of another month.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** Milliseconds since the epoch of an RFC 3339 date-time, digits below a millisecond cut off; undefined when it is none. */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const millis = Number(`${match[7] ?? ''}000`.slice(0, 3));
  const offset = match[9] === undefined ? 0 : Number(match[10]) * 60 + Number(match[11]);
  // A leap second, which JavaScript does not have, counts as the second after it.
  if (!isDay(year, month, day) || hour > 23 || minute > 59 || second > 60) return undefined;
  if (Number(match[10] ?? 0) > 23 || Number(match[11] ?? 0) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, millis);
  return date.getTime() - (match[9] === '-' ? -offset : offset) * 60_000;
}

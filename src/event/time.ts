import { parseDateTime } from '../schema/text-formats.ts';

// ISO 8601 with four digits of the year, as every reader on the way (Athena's and Hive's timestamps too) takes it.
const FIRST = Date.parse('0001-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** ISO 8601 with milliseconds and `Z` of a Date, or of RFC 3339 text with any zone; or what is wrong with it. */
export function toInstant(given: unknown): { readonly instant: string } | { readonly problem: string } {
  const at = given instanceof Date ? given.getTime() : typeof given === 'string' ? parseDateTime(given) : undefined;
  if (at === undefined || Number.isNaN(at)) {
    return { problem: 'allowed is a Date, or text such as 2026-01-31T12:00:00.000Z or 2026-01-31T12:00:00+01:00' };
  }
  if (at < FIRST || at > LAST) return { problem: 'allowed are the years 0001 to 9999' };
  return { instant: new Date(at).toISOString() };
}

/** A day of UTC, such as 2026-01-31, of the years that an instant may be of. */
export const isDay = (given: unknown): given is string =>
  typeof given === 'string' && given.length === 10 && 'instant' in toInstant(`${given}T00:00:00Z`);

import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { Envelope, EnvelopeEvent } from '../feed/envelope.ts';

/** `schema_version` is an `int` of Hive, in schemas/archive-row.json. */
export const LARGEST_SCHEMA_VERSION = 2 ** 31 - 1;

/** As the store writes times, and as a `timestamp` of Hive reads them: years 0001 to 9999, milliseconds, UTC. */
export const INSTANT = String.raw`(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z`;
const WHOLE_INSTANT = new RegExp(`^${INSTANT}$`);

/** Is it a time, of a day that its month has? `text` is one of the pattern above. */
export function isDayOfMonth(text: string): boolean {
  return text.slice(8, 10) < '29' || new Date(text).toISOString() === text;
}

/** Why no row of the table can hold an event, undefined when one can. */
export function rowProblem(event: EnvelopeEvent): { readonly column: string; readonly problem: string } | undefined {
  const { schemaVersion, recordedAt, occurredAt = recordedAt } = event;
  if (schemaVersion > LARGEST_SCHEMA_VERSION) {
    return { column: 'schema_version', problem: `${schemaVersion} is above ${LARGEST_SCHEMA_VERSION}` };
  }
  for (const [column, text] of [
    ['recorded_at', recordedAt],
    ['occurred_at', occurredAt],
  ] as const) {
    if (!WHOLE_INSTANT.test(text) || !isDayOfMonth(text))
      return { column, problem: `${JSON.stringify(text.slice(0, 60))} is no time` };
  }
  return undefined;
}

/**
 * Refuses an envelope with an event that no row of the table can hold (`archive.rowUnfit`): such an event would fail its
 * conversion later, and a whole record with it.
 */
export function checkRowsFit({ aggregate, events }: Envelope): void {
  for (const event of events) {
    const unfit = rowProblem(event);
    if (unfit !== undefined)
      throw new DaybookError('archive.rowUnfit', { aggregate, version: event.version, ...unfit });
  }
}

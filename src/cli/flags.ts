import './errors.ts';
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DaybookError } from '../errors.ts';
import { isDay, toInstant } from '../event/time.ts';
import type { TimeClock } from '../store/ranges.ts';

/** A whole number from a flag. */
export function numberOf(flag: string, value: string | undefined, least: number, command: string): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
  const problem = `--${flag} is ${JSON.stringify(value)}; allowed are whole numbers from ${least}`;
  throw new DaybookError('cli.usage', { problem, command });
}

/** A time from a flag. A day alone is none: it begins at another moment in each time zone. */
export function timeFrom(flag: string, value: string | undefined, command: string): string | undefined {
  if (value === undefined) return undefined;
  const read = toInstant(value);
  if ('instant' in read) return read.instant;
  const allowed = 'allowed is a time with its zone, such as 2026-01-31T12:00:00Z or 2026-01-31T12:00:00.000+01:00';
  throw new DaybookError('cli.usage', { problem: `--${flag} is ${JSON.stringify(value)}; ${allowed}`, command });
}

/** A day of UTC from a flag. */
export function dayFrom(flag: string, value: string | undefined, command: string): string | undefined {
  if (value === undefined || isDay(value)) return value;
  const problem = `--${flag} is ${JSON.stringify(value)}; allowed is a day of UTC, such as 2026-01-31`;
  throw new DaybookError('cli.usage', { problem, command });
}

/** A file that a command writes once it is done: where that cannot be is said before anything is read, or paid for. */
export function fileFrom(flag: string, value: string | undefined, command: string): string | undefined {
  if (value === undefined) return undefined;
  folderFrom(flag, dirname(value), command);
  const isOther = statSync(value, { throwIfNoEntry: false })?.isFile() === false;
  if (value !== '' && !isOther) return value;
  throw new DaybookError('cli.usage', { problem: `--${flag} is ${JSON.stringify(value)}, which is no file`, command });
}

/** A folder that a command writes into. */
export function folderFrom(flag: string, value: string | undefined, command: string): string | undefined {
  if (value === undefined) return undefined;
  try {
    accessSync(value, constants.W_OK | constants.X_OK);
    if (statSync(value).isDirectory()) return value;
  } catch {
    // As if it were not there.
  }
  const problem = `--${flag}: there is no folder ${JSON.stringify(value)} that may be written into`;
  throw new DaybookError('cli.usage', { problem, command });
}

const CLOCKS: readonly TimeClock[] = ['occurred', 'recorded'];

/** Which clock the times of a command are of; a clock without a time would do nothing. */
export function clockOf(value: string | undefined, hasTime: boolean, flags: string, command: string) {
  if (value === undefined) return undefined;
  const clock = CLOCKS.find((name) => name === value);
  if (clock === undefined) {
    const problem = `--clock is ${JSON.stringify(value)}; there are occurred and recorded`;
    throw new DaybookError('cli.usage', { problem, command });
  }
  if (!hasTime)
    throw new DaybookError('cli.usage', { problem: `--clock says which time is meant by ${flags}`, command });
  return clock;
}

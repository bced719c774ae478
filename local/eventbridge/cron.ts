/**
 * The schedules of rules: `rate(5 minutes)` and `cron(0 10 * * ? *)`, in UTC (user guide, "Creating a rule that runs on
 * a schedule").
 */
export interface Schedule {
  /** The first firing after `ms`, or undefined when there is none any more. */
  after(ms: number): number | undefined;
}

const MINUTE = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE, hour: 60 * MINUTE, day: 1440 * MINUTE };

/** Reads a schedule; undefined when the expression is not valid. */
export function parseSchedule(expression: string): Schedule | undefined {
  const rate = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression);
  if (rate !== null) {
    const [, value, unit, plural] = rate;
    // "If the value is equal to 1, then the unit must be singular. If the value is greater than 1, the unit must be plural."
    const count = Number(value);
    if (count < 1 || (count === 1) !== (plural === '')) return undefined;
    return { after: (ms) => ms + count * UNITS[unit!]! };
  }
  const cron = /^cron\((.+)\)$/.exec(expression);
  return cron === null ? undefined : parseCron(cron[1]!);
}

const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

interface CronDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}
type DayTest = (day: CronDay) => boolean;

function parseCron(fields: string): Schedule | undefined {
  const [minutes, hours, monthDays, months, weekDays, years, ...more] = fields.trim().split(/\s+/);
  if (years === undefined || more.length > 0) return undefined;
  // "You can't specify the Day-of-month and Day-of-week fields in the same cron expression": one of them must be `?`.
  if ((monthDays === '?') === (weekDays === '?')) return undefined;
  const minuteSet = parseSet(minutes!, 0, 59);
  const hourSet = parseSet(hours!, 0, 23);
  const monthSet = parseSet(months!, 1, 12, MONTHS, 1);
  const yearSet = parseSet(years, 1970, 2199);
  const dayTest = monthDays === '?' ? parseWeekDays(weekDays!) : parseMonthDays(monthDays!);
  if (!minuteSet || !hourSet || !monthSet || !yearSet || !dayTest) return undefined;
  return {
    after(ms) {
      const start = Math.floor(ms / MINUTE) * MINUTE + MINUTE;
      const from = new Date(start);
      for (let year = from.getUTCFullYear(); year <= 2199; year++) {
        if (!yearSet.has(year)) continue;
        for (let month = 1; month <= 12; month++) {
          if (!monthSet.has(month)) continue;
          for (let day = 1; day <= daysIn(year, month); day++) {
            const midnight = Date.UTC(year, month - 1, day);
            if (midnight + 1440 * MINUTE <= start || !dayTest({ year, month, day })) continue;
            for (const hour of hourSet) {
              for (const minute of minuteSet) {
                const at = midnight + (hour * 60 + minute) * MINUTE;
                if (at >= start) return at;
              }
            }
          }
        }
      }
      return undefined;
    },
  };
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();
/** 1 is Sunday, 7 Saturday. */
const weekDayOf = ({ year, month, day }: CronDay): number => new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;

/** Lists, ranges, steps and `*`, as the values in ascending order. */
function parseSet(
  field: string,
  least: number,
  most: number,
  names: readonly string[] = [],
  firstName = 0,
): Set<number> | undefined {
  const number = (text: string): number => {
    const named = names.indexOf(text.toUpperCase());
    if (named >= 0) return named + firstName;
    return /^\d+$/.test(text) ? Number(text) : Number.NaN;
  };
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step, ...more] = part.split('/');
    if (more.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) return undefined;
    const [low = '', high, ...rest] = range.split('-');
    if (rest.length > 0) return undefined;
    const from = range === '*' ? least : number(low);
    const to = range === '*' || (step !== undefined && high === undefined) ? most : number(high ?? low);
    if (!(from >= least && to <= most)) return undefined;
    // A range of names may go round the end: FRI-MON.
    const span = to >= from ? to - from : to - from + (most - least + 1);
    if (to < from && names.length === 0) return undefined;
    for (let i = 0; i <= span; i += Number(step ?? 1)) values.add(((from - least + i) % (most - least + 1)) + least);
  }
  return new Set([...values].sort((a, b) => a - b));
}

function parseMonthDays(field: string): DayTest | undefined {
  if (field === 'L') return ({ year, month, day }) => day === daysIn(year, month);
  if (field === 'LW') return (date) => date.day === nearestWeekDay(date, daysIn(date.year, date.month));
  const near = /^(\d{1,2})W$/.exec(field);
  if (near !== null) {
    const wanted = Number(near[1]);
    if (wanted < 1 || wanted > 31) return undefined;
    return (date) => wanted <= daysIn(date.year, date.month) && date.day === nearestWeekDay(date, wanted);
  }
  const days = parseSet(field, 1, 31);
  return days && (({ day }) => days.has(day));
}

/** "The W wildcard specifies a weekday: the day closest to it", within the month. */
function nearestWeekDay({ year, month }: CronDay, wanted: number): number {
  const weekDay = weekDayOf({ year, month, day: wanted });
  if (weekDay === 7) return wanted > 1 ? wanted - 1 : wanted + 2;
  if (weekDay === 1) return wanted < daysIn(year, month) ? wanted + 1 : wanted - 2;
  return wanted;
}

function parseWeekDays(field: string): DayTest | undefined {
  const one = (text: string): number => {
    const named = DAYS.indexOf(text.toUpperCase());
    return named >= 0 ? named + 1 : Number(text);
  };
  if (field.toUpperCase() === 'L') return (date) => weekDayOf(date) === 7;
  const last = /^(\w+?)L$/i.exec(field);
  if (last !== null) {
    const wanted = one(last[1]!);
    if (!(wanted >= 1 && wanted <= 7)) return undefined;
    return (date) => weekDayOf(date) === wanted && date.day + 7 > daysIn(date.year, date.month);
  }
  // "3#2 would be the second Tuesday of the month".
  const nth = /^(\w+)#([1-5])$/.exec(field);
  if (nth !== null) {
    const wanted = one(nth[1]!);
    if (!(wanted >= 1 && wanted <= 7)) return undefined;
    return (date) => weekDayOf(date) === wanted && Math.ceil(date.day / 7) === Number(nth[2]);
  }
  const days = parseSet(field, 1, 7, DAYS, 1);
  return days && ((date) => days.has(weekDayOf(date)));
}

import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../../local/eventbridge/cron.ts';

const next = (expression: string, from: string, count = 3): string[] => {
  const schedule = parseSchedule(expression);
  if (schedule === undefined) throw new Error(`${expression} is not valid`);
  const found: string[] = [];
  let at = Date.parse(from);
  for (let i = 0; i < count; i++) {
    const following = schedule.after(at);
    if (following === undefined) break;
    at = following;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
};

describe('cron', () => {
  // The examples of the user guide, and each wildcard.
  it.each([
    ['cron(0 10 * * ? *)', ['2026-01-01T10:00', '2026-01-02T10:00', '2026-01-03T10:00']],
    ['cron(15 12 * * ? *)', ['2026-01-01T12:15', '2026-01-02T12:15', '2026-01-03T12:15']],
    ['cron(0 18 ? * MON-FRI *)', ['2026-01-01T18:00', '2026-01-02T18:00', '2026-01-05T18:00']],
    ['cron(0 8 1 * ? *)', ['2026-01-01T08:00', '2026-02-01T08:00', '2026-03-01T08:00']],
    ['cron(0/15 * * * ? *)', ['2026-01-01T00:15', '2026-01-01T00:30', '2026-01-01T00:45']],
    ['cron(0/10 * ? * MON-FRI *)', ['2026-01-01T00:10', '2026-01-01T00:20', '2026-01-01T00:30']],
    ['cron(0/5 8-17 ? * MON-FRI *)', ['2026-01-01T08:00', '2026-01-01T08:05', '2026-01-01T08:10']],
    ['cron(0 0 L * ? *)', ['2026-01-31T00:00', '2026-02-28T00:00', '2026-03-31T00:00']],
    ['cron(0 9 ? * 6L *)', ['2026-01-30T09:00', '2026-02-27T09:00', '2026-03-27T09:00']],
    ['cron(0 9 ? * FRIL *)', ['2026-01-30T09:00', '2026-02-27T09:00', '2026-03-27T09:00']],
    ['cron(0 9 ? * 3#2 *)', ['2026-01-13T09:00', '2026-02-10T09:00', '2026-03-10T09:00']],
    ['cron(0 9 15W * ? *)', ['2026-01-15T09:00', '2026-02-16T09:00', '2026-03-16T09:00']],
    ['cron(0 9 1W * ? *)', ['2026-01-01T09:00', '2026-02-02T09:00', '2026-03-02T09:00']],
    ['cron(0 9 LW * ? *)', ['2026-01-30T09:00', '2026-02-27T09:00', '2026-03-31T09:00']],
    ['cron(0 0 29 FEB ? *)', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
    ['cron(30 6,18 ? JAN,JUL SUN 2026-2027)', ['2026-01-04T06:30', '2026-01-04T18:30', '2026-01-11T06:30']],
    ['cron(0 0 ? * SAT-SUN *)', ['2026-01-03T00:00', '2026-01-04T00:00', '2026-01-10T00:00']],
    ['cron(0 0 ? * 7 2026)', ['2026-01-03T00:00', '2026-01-10T00:00', '2026-01-17T00:00']],
  ])('%s', (expression, expected) => {
    // A Thursday.
    expect(next(expression, '2026-01-01T00:00:00Z')).toEqual(expected);
  });

  it('ends when its years are over', () => {
    expect(next('cron(0 0 1 1 ? 2026)', '2026-01-01T00:00:00Z')).toEqual([]);
    expect(next('cron(0 0 1 1 ? 2026)', '2025-12-31T23:59:59Z')).toEqual(['2026-01-01T00:00']);
  });

  it.each([
    'cron(0 10 * * * *)',
    'cron(0 10 ? * ? *)',
    'cron(0 10 * * ?)',
    'cron(60 10 * * ? *)',
    'cron(0 24 * * ? *)',
    'cron(0 0 32 * ? *)',
    'cron(0 0 ? * 8 *)',
    'cron(0 0 ? * MON#6 *)',
    'cron(0 0 1 13 ? *)',
    'cron(0/0 0 1 * ? *)',
    'cron(20-10 0 1 * ? *)',
    'cron(a 0 1 * ? *)',
    'rate(1 minutes)',
    'rate(5 minute)',
    'rate(0 minutes)',
    'rate(5 seconds)',
    'at(2026-01-01T00:00:00)',
    '5 minutes',
  ])('refuses %s', (expression) => {
    expect(parseSchedule(expression)).toBeUndefined();
  });
});

it('a rate counts from when it began', () => {
  expect(next('rate(5 minutes)', '2026-01-01T00:02:00Z', 2)).toEqual(['2026-01-01T00:07', '2026-01-01T00:12']);
  expect(next('rate(1 day)', '2026-01-01T00:02:00Z', 1)).toEqual(['2026-01-02T00:02']);
});

import { describe, expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import { consumeFeed } from '../../../src/feed/consume/consume-feed.ts';
import { emptyEnvelope, filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { eachOf } from '../../../src/feed/feed-batch.ts';
import { createReport } from '../../../src/feed/metrics.ts';
import { errorNote, type Observed, observing } from '../../../src/feed/observed.ts';
import { kinesisEvent, storedEvent } from '../../simulation/records.ts';

const one = (aggregate: string, version: number) =>
  filledEnvelope('feed-1', aggregate, version, version, [toEnvelopeEvent(storedEvent(aggregate, version))]);

describe('consumeFeed', () => {
  test('an aggregate’s envelopes one at a time and in order, several aggregates at once', async () => {
    const running = new Map<string, number>();
    const seen: string[] = [];
    let most = 0;
    const handler = consumeFeed({
      feed: 'feed-1',
      concurrency: 3,
      apply: async ({ aggregate, from }) => {
        expect(running.get(aggregate) ?? 0).toBe(0);
        running.set(aggregate, 1);
        most = Math.max(
          most,
          [...running.values()].reduce((a, b) => a + b, 0),
        );
        await new Promise((resolve) => setTimeout(resolve, 1));
        running.set(aggregate, 0);
        seen.push(`${aggregate}:${from}`);
      },
    });
    const aggregates = ['a', 'b', 'c', 'd', 'e'];
    const batch = [1, 2, 3].flatMap((version) => aggregates.map((aggregate) => one(aggregate, version)));
    expect(await handler(kinesisEvent(batch))).toEqual({ batchItemFailures: [] });
    expect(most).toBe(3);
    for (const aggregate of aggregates) {
      expect(seen.filter((each) => each.startsWith(aggregate))).toEqual([1, 2, 3].map((v) => `${aggregate}:${v}`));
    }
  });

  test('names the first record that failed, and gives an empty envelope that has something before it', async () => {
    const applied: string[] = [];
    const reports: Observed[] = [];
    const handler = consumeFeed({
      feed: 'feed-1',
      report: (seen) => reports.push(seen),
      apply: async ({ aggregate, from, to }) => {
        if (to === 2) throw new Error('secret payload');
        applied.push(`${aggregate} [${from}..${to}]`);
      },
    });
    const batch = [
      emptyEnvelope('feed-1', 'c', 1, 4),
      emptyEnvelope('feed-1', 'd', 4, 9),
      one('a', 1),
      one('b', 2),
      one('a', 2),
      one('a', 3),
    ];
    expect(await handler(kinesisEvent(batch))).toEqual({ batchItemFailures: [{ itemIdentifier: '4' }] });
    expect(applied.sort()).toEqual(['a [1..1]', 'd [4..3]']);
    expect(reports[0]?.counts.get('RecordsFailed')).toBe(2);
    expect(JSON.stringify(reports[0]?.notes)).not.toContain('secret');
  });
});

test('eachOf begins in order and runs so many at a time', async () => {
  const begun: number[] = [];
  let running = 0;
  await eachOf([5, 1, 3, 2, 4], 2, async (item) => {
    begun.push(item);
    expect(++running).toBeLessThanOrEqual(2);
    await new Promise((resolve) => setTimeout(resolve, item));
    running--;
  });
  expect(begun).toEqual([5, 1, 3, 2, 4]);
  await eachOf([], 2, () => Promise.reject(new Error('never')));
});

describe('what is seen', () => {
  test('becomes one line of the embedded metric format and a line per note', () => {
    const lines: string[] = [];
    const report = createReport({
      namespace: 'Mine',
      feed: 'f',
      function: 'x',
      write: (line) => lines.push(line),
      now: () => 5,
    });
    const seen = observing();
    report(seen);
    expect(lines).toEqual([]);
    seen.count('Envelopes', 2);
    seen.count('Envelopes');
    seen.count('Nothing', 0);
    seen.note({ what: 'breach', aggregate: 'a' });
    report(seen);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'WARN', function: 'x', feed: 'f', what: 'breach', aggregate: 'a' },
      {
        _aws: {
          Timestamp: 5,
          CloudWatchMetrics: [
            { Namespace: 'Mine', Dimensions: [['Feed']], Metrics: [{ Name: 'Envelopes', Unit: 'Count' }] },
          ],
        },
        Feed: 'f',
        function: 'x',
        Envelopes: 3,
      },
    ]);
  });

  test('notes are few, however much happens', () => {
    const seen = observing();
    for (let i = 0; i < 100; i++) seen.note({ what: 'breach' });
    expect(seen.notes).toHaveLength(20);
  });

  test('of an error our own message is told, of another’s only its name and place', () => {
    const own = new DaybookError('feed.putRefused', { aggregate: 'a', from: 1, to: 2 });
    expect(errorNote('x', own)).toMatchObject({ code: 'feed.putRefused', message: expect.stringContaining('[1..2]') });
    const parse = () => {
      try {
        JSON.parse('secret');
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const note = errorNote('x', parse(), { aggregate: 'a' });
    expect(note).toMatchObject({ what: 'x', aggregate: 'a', code: 'SyntaxError' });
    expect(JSON.stringify(note)).not.toContain('secret');
    expect(errorNote('x', 'secret')).toEqual({ what: 'x', code: 'string' });
    // A line of a message may look like a frame, and a name like a sentence.
    const framed = new RangeError('bad\n    at secret (file.ts:1:2)');
    expect(errorNote('x', framed)).toEqual({
      what: 'x',
      code: 'RangeError',
      place: expect.stringMatching(/feed-batch\.test/),
    });
    const named = Object.assign(new Error('secret'), { name: 'a secret' });
    expect(JSON.stringify(errorNote('x', named))).not.toContain('secret');
    expect(errorNote('x', Object.assign(new Error('x'), { name: undefined, stack: undefined }))).toMatchObject({
      code: 'Error',
    });
  });
});

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { transform } from '../../../src/archive/transform.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { type Envelope, emptyEnvelope, filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { storedEvent } from '../../simulation/records.ts';

const NOON = Date.UTC(2026, 0, 2, 12);

const full = (aggregate: string, from: number, to: number, more: Partial<StoredEvent> = {}) =>
  filledEnvelope(
    'feed-1',
    aggregate,
    from,
    to,
    Array.from({ length: to - from + 1 }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, from + i, more))),
  );

function run(...records: readonly (Envelope | Buffer)[]) {
  const { records: answer, seen } = transform(
    {
      records: records.map((record, i) => ({
        recordId: `r${i}`,
        approximateArrivalTimestamp: NOON,
        data: (Buffer.isBuffer(record) ? record : Buffer.from(JSON.stringify(record))).toString('base64'),
      })),
    },
    { feed: 'feed-1' },
  );
  return { answer, counts: Object.fromEntries(seen.counts), notes: seen.notes };
}

/** As Firehose reads it: documents one after the other, no separator, no array. */
function rowsIn(data: string | undefined): Record<string, unknown>[] {
  const text = Buffer.from(data ?? '', 'base64').toString();
  expect(text).not.toContain('}\n{');
  return JSON.parse(`[${text.replaceAll('"}{"aggregate_uuid"', '"},{"aggregate_uuid"')}]`) as Record<string, unknown>[];
}

test('one row per event, with the columns of the table', () => {
  const [record] = run(
    full('a', 3, 4, {
      commitFirst: 3,
      commitLast: 4,
      occurredAt: '2019-05-06T07:08:09.010Z',
      metadata: '{"who":"me"}',
    }),
  ).answer;
  expect(record).toMatchObject({ recordId: 'r0', result: 'Ok' });
  expect(rowsIn(record?.data)).toEqual(
    [3, 4].map((version) => ({
      aggregate_uuid: 'a',
      aggregate_type: 'Account',
      version,
      type: 'MoneyDeposited',
      schema_version: 1,
      commit_id: `commit-${version}`,
      commit_first: 3,
      commit_last: 4,
      recorded_at: '2026-01-02T03:04:05.678Z',
      occurred_at: '2019-05-06T07:08:09.010Z',
      data: JSON.stringify({ amount: version }),
      metadata: '{"who":"me"}',
    })),
  );
});

test('all of an envelope lands under its arrival day and its aggregate’s bucket', () => {
  const { answer } = run(full('a', 1, 2), full('b', 1, 1));
  const bucketOf = (id: string) => createHash('md5').update(id).digest('hex')[0];
  expect(answer.map(({ metadata }) => metadata?.partitionKeys)).toEqual(
    ['a', 'b'].map((id) => ({ day: '2026-01-02', bucket: bucketOf(id) })),
  );
});

test('the text of data is kept to the letter, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.json(), fc.string({ unit: 'grapheme' })), { minLength: 1, maxLength: 5 }),
      (given) => {
        const events = given.map(([data, type], i) => toEnvelopeEvent(storedEvent('a', i + 1, { data, type })));
        const [record] = run(filledEnvelope('feed-1', 'a', 1, events.length, events)).answer;
        const text = Buffer.from(record!.data!, 'base64').toString();
        // Documents stand one after the other: each one begins where the one before it ends.
        let rest = text;
        for (const [data, type] of given) {
          const next = rest.indexOf('{"aggregate_uuid":"a"', 1);
          let end = next === -1 ? rest.length : next;
          for (;;) {
            try {
              expect(JSON.parse(rest.slice(0, end))).toMatchObject({ data, type });
              break;
            } catch (error) {
              if (!(error instanceof SyntaxError)) throw error;
              end = rest.indexOf('{"aggregate_uuid":"a"', end + 1);
              if (end === -1) end = rest.length;
            }
          }
          rest = rest.slice(end);
        }
        expect(rest).toBe('');
      },
    ),
  );
});

test('empty envelopes are dropped', () => {
  const { answer, counts } = run(emptyEnvelope('feed-1', 'a', 3, 9));
  expect(answer).toEqual([{ recordId: 'r0', result: 'Dropped' }]);
  expect(counts).toEqual({});
});

describe('refusals', () => {
  test.each([
    ['no JSON', Buffer.from('x'), 'feed.envelopeInvalid'],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), 'feed.envelopeInvalid'],
    ['another feed', Buffer.from(JSON.stringify({ ...full('a', 1, 1), feed: 'feed-0' })), 'feed.envelopeForeign'],
    ['a schema version beyond the column', full('a', 1, 1, { schemaVersion: 2 ** 31 }), 'archive.rowUnfit'],
    [
      'a version beyond 2^53',
      Buffer.from(JSON.stringify(full('a', 1, 1)).replace(/"(from|to|head|version)":1/g, '"$1":9007199254740993')),
      'feed.envelopeInvalid',
    ],
    ['a time out of range', full('a', 1, 1, { occurredAt: '+012026-01-02T03:04:05.678Z' }), 'archive.rowUnfit'],
    ['a day that is none', full('a', 1, 1, { recordedAt: '2026-02-30T03:04:05.678Z' }), 'archive.rowUnfit'],
    ['the year 0', full('a', 1, 1, { occurredAt: '0000-01-02T03:04:05.678Z' }), 'archive.rowUnfit'],
    ['an unknown format', Buffer.from(JSON.stringify({ ...full('a', 1, 1), format: 2 })), 'feed.envelopeFormatUnknown'],
  ])('%s fails alone, with a code, and lands under errors/', (_, record, code) => {
    const { answer, counts, notes } = run(full('a', 1, 1), record, full('a', 2, 2));
    expect(answer.map(({ result }) => result)).toEqual(['Ok', 'ProcessingFailed', 'Ok']);
    expect(counts).toEqual({ RowsArchived: 2, ArchiveRefusals: 1 });
    expect(notes).toEqual([expect.objectContaining({ what: 'archiveRefused', code, recordId: 'r1' })]);
  });

  test('what the answer has no room for fails as the last resort; what fits still goes', () => {
    const large = JSON.stringify('x'.repeat(390_000));
    const many = Array.from({ length: 12 }, (_, i) => full(`a${i}`, 1, 1, { data: large }));
    const { answer, notes } = run(...many, full('small', 1, 1));
    const failed = answer.filter(({ result }) => result === 'ProcessingFailed');
    expect(failed).toHaveLength(1);
    expect(answer.at(-1)?.result).toBe('Ok');
    expect(notes[0]).toMatchObject({ code: 'archive.answerFull' });
    expect(Buffer.byteLength(JSON.stringify({ records: answer }))).toBeLessThan(6_000_000);
  });

  test('a megabyte of the smallest events, as Firehose sends it at the most, fits', () => {
    const id = 'x'.repeat(36);
    const records: Envelope[] = [];
    for (let bytes = 0; bytes < 1_048_576; ) {
      const envelope = full(id, 1, 20, { data: '{}', type: 'E', commitId: 'c'.repeat(26) });
      bytes += Buffer.byteLength(JSON.stringify(envelope));
      records.push(envelope);
    }
    expect(run(...records).answer.every(({ result }) => result === 'Ok')).toBe(true);
  });

  test('an event of another source is refused', () => {
    expect(() => transform({ Records: [] }, { feed: 'feed-1' })).toThrow(/^feed.notABatch/);
  });
});

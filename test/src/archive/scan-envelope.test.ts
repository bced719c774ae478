import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanEnvelope } from '../../../src/archive/scan-envelope.ts';
import { rowsOf } from '../../../src/archive/transform.ts';
import { type EnvelopeEvent, filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { parseEnvelope } from '../../../src/feed/parse-envelope.ts';
import { storedEvent } from '../../simulation/records.ts';

const FEED = 'feed-1';
const scan = (bytes: Buffer) => scanEnvelope(bytes, JSON.stringify(FEED));
const documents = (rows: string) => JSON.parse(`[${rows.replaceAll('}{"aggregate_uuid":', '},{"aggregate_uuid":')}]`);

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.constantFrom('', '"', '\\', '\\"},{"version":2', '\u0000\n', '日本 💶', '\ud800'),
);
const event = fc.record({
  type: text,
  data: text,
  metadata: fc.option(text, { nil: undefined }),
  occurredAt: fc.constantFrom('2026-01-02T03:04:05.678Z', '2019-05-06T07:08:09.010Z'),
  commitFirst: fc.integer({ min: 1, max: 3 }),
});
const envelopeOf = (
  aggregate: string,
  from: number,
  given: readonly { readonly [field in keyof EnvelopeEvent]?: EnvelopeEvent[field] | undefined }[],
  base = 0,
) => {
  const events = given.map(({ metadata, ...more }, i) =>
    toEnvelopeEvent(
      storedEvent(aggregate, from + i, { ...more, ...(metadata !== undefined && { metadata }) } as never),
    ),
  );
  return filledEnvelope(FEED, aggregate, from, from + events.length + 1, events, base);
};

test('an envelope of the known shape becomes the rows that parsing it gives, to the letter of every text', () => {
  let scanned = 0;
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.integer({ min: 2, max: 9 }),
      fc.array(event, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (aggregate, from, events, based) => {
        const bytes = Buffer.from(JSON.stringify(envelopeOf(aggregate, from, events, based ? from - 1 : 0)));
        const found = scan(bytes);
        if (found === undefined) return;
        scanned++;
        const envelope = parseEnvelope(bytes, FEED);
        expect(documents(Buffer.from(found.rows, 'latin1').toString())).toEqual(documents(rowsOf(envelope)));
        expect(found).toMatchObject({ events: envelope.events.length, aggregate: envelope.aggregate });
      },
    ),
    { numRuns: 200 },
  );
  // Only an aggregate's id that needs an escape is left to the parser.
  expect(scanned).toBeGreaterThan(120);
});

test('nothing is taken that the parser refuses, whichever byte is another', () => {
  const given = envelopeOf(
    'a',
    2,
    [
      { data: '{"a":"b"}', metadata: '{}' },
      { occurredAt: '2019-05-06T07:08:09.010Z', commitFirst: 1 },
    ],
    1,
  );
  const bytes = Buffer.from(JSON.stringify(given));
  expect(scan(bytes)).toBeDefined();
  let refused = 0;
  const other = fc.constantFrom(...Buffer.from('"\\{}[]:,0129.-eEnut \n\u0000a'), 0x80, 0xff);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), other, fc.constantFrom('put', 'insert', 'delete', 'end'), (at, byte, how) => {
      const changed =
        how === 'end'
          ? bytes.subarray(0, at)
          : how === 'put'
            ? Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at + 1)])
            : how === 'insert'
              ? Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)])
              : Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      const found = scan(changed);
      let envelope: ReturnType<typeof parseEnvelope>;
      try {
        envelope = parseEnvelope(changed, FEED);
      } catch {
        refused++;
        // Bytes that are no UTF-8 are seen before.
        if (byte < 0x80) expect(found).toBeUndefined();
        return;
      }
      if (found !== undefined)
        expect(documents(Buffer.from(found.rows, 'latin1').toString())).toEqual(documents(rowsOf(envelope)));
    }),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(1000);
});

test.each([
  ['another feed', { feed: 'feed-0' }],
  ['another format', { format: 2 }],
  ['a run that is not whole', { to: 3 }],
  ['a head below its end', { head: 0 }],
  ['a base that is on the feed', { base: 1 }],
  ['a field more', { more: 1 }],
])('%s is left to the parser', (_, change) => {
  expect(scan(Buffer.from(JSON.stringify({ ...envelopeOf('a', 1, [{}]), ...change })))).toBeUndefined();
});

test('a megabyte of quotes in quotes is no trouble', () => {
  const data = JSON.stringify('"\\'.repeat(150_000));
  const bytes = Buffer.from(JSON.stringify(envelopeOf('a', 1, [{ data }])));
  expect(bytes.length).toBeGreaterThan(900_000);
  expect(documents(scan(bytes)!.rows)[0].data).toBe(data);
});

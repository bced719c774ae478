import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Envelope,
  emptyEnvelope,
  filledEnvelope,
  fromEnvelopeEvent,
  toEnvelopeEvent,
} from '../../../src/feed/envelope.ts';
import { headerBytesBound, jsonBytes, jsonBytesBound } from '../../../src/feed/envelope-size.ts';
import { parseEnvelope } from '../../../src/feed/parse-envelope.ts';
import { storedEvent } from '../../simulation/records.ts';

const events = [1, 2].map((version) => toEnvelopeEvent(storedEvent('a', version)));
const whole = filledEnvelope('feed-1', 'a', 1, 5, events);
const parse = (value: unknown) => parseEnvelope(Buffer.from(JSON.stringify(value)), 'feed-1');
const withEvent = (more: object): unknown => ({ ...whole, events: [{ ...events[0], ...more }, events[1]] });

describe('parseEnvelope', () => {
  test('reads what was written', () => {
    const based = filledEnvelope('feed-1', 'a', 3, 5, [], 2);
    for (const envelope of [whole, based, emptyEnvelope('feed-1', 'ü"\\', 4, 9, 3)])
      expect(parse(envelope)).toEqual(envelope);
  });

  test('passes over what a later writer adds', () => {
    expect(parse({ ...whole, later: 1 })).toMatchObject(whole);
  });

  test.each<[string, unknown, RegExp]>([
    ['a list', [whole], /^feed.envelopeInvalid/],
    ['null', null, /^feed.envelopeInvalid/],
    ['an empty object', {}, /^feed.envelopeFormatUnknown/],
    ['format 2', { ...whole, format: 2 }, /^feed.envelopeFormatUnknown.*has format 2, this code reads 1/],
    ['another feed', { ...whole, feed: 'feed-0' }, /^feed.envelopeForeign.*feed-0.*feed-1/],
    ['no feed', { ...whole, feed: undefined }, /^feed.envelopeForeign/],
    ['no aggregate', { ...whole, aggregate: '' }, /^feed.envelopeInvalid/],
    ['from 0', { ...whole, from: 0 }, /^feed.envelopeInvalid/],
    ['a fraction', { ...whole, head: 5.5 }, /^feed.envelopeInvalid/],
    ['a version beyond 2^53', { ...whole, head: 2 ** 53 }, /^feed.envelopeInvalid/],
    ['to before from - 1', { ...whole, from: 5, to: 2 }, /^feed.envelopeInvalid.*ends at 2, before it begins at 5/],
    ['a head below to', { ...whole, head: 1 }, /^feed.envelopeInvalid.*head 1 is below its end 2/],
    ['base 0', { ...whole, base: 0 }, /^feed.envelopeInvalid.*base must be a version/],
    ['a base that is no number', { ...whole, base: '1' }, /^feed.envelopeInvalid.*base must be a version/],
    ['a base at its beginning', { ...whole, base: 1 }, /^feed.envelopeInvalid.*begins at 1, which its base 1 says/],
    ['fewer events', { ...whole, events: [events[0]] }, /^feed.envelopeInvalid.*does not hold the versions \[1..2\]/],
    ['no events', { ...whole, events: undefined }, /^feed.envelopeInvalid/],
    ['a gap', { ...whole, events: [events[0], { ...events[1], version: 3 }] }, /version 3 where 2 should stand/],
    ['an event that is none', { ...whole, events: [null, events[1]] }, /its event 1 is no object/],
    ['parsed data', withEvent({ data: { amount: 1 } }), /its event 1 lacks a part/],
    ['no type', withEvent({ type: undefined }), /its event 1 lacks a part/],
    ['metadata that is no text', withEvent({ metadata: {} }), /its event 1 lacks a part/],
    ['schema version 0', withEvent({ schemaVersion: 0 }), /its event 1 lacks a part/],
  ])('refuses %s', (_, value, message) => {
    expect(() => parse(value)).toThrow(message);
  });

  test.each([
    ['no JSON', Buffer.from('{"format":1'), /it is not JSON/],
    ['no UTF-8', Buffer.from([0x7b, 0xc3, 0x28, 0x7d]), /it is not UTF-8/],
  ])('refuses %s, and quotes none of it', (_, bytes, message) => {
    expect(() => parseEnvelope(bytes, 'feed-1')).toThrow(message);
  });
});

test('an event comes back from an envelope as it went in', () => {
  const text = fc.string({ unit: 'grapheme' });
  const given = fc.record({
    type: text,
    data: fc.json(),
    occurredAt: fc.constantFrom('2026-01-02T03:04:05.678Z', 'x'),
    first: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(given, ({ type, data, occurredAt, first }) => {
      const event = storedEvent('a', 3, { type, data, occurredAt, commitFirst: first, commitLast: 3, metadata: data });
      const travelled = JSON.parse(JSON.stringify(toEnvelopeEvent(event))) as Envelope['events'][number];
      expect(fromEnvelopeEvent('a', travelled)).toEqual(event);
    }),
  );
});

test('the size of an event is counted as it is written, and the cheap bound is never below it', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff })).map((all) => String.fromCharCode(...all));
  const text = fc.oneof(
    units,
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('\u0000"\\', '\ud800', '😀'),
  );
  const given = fc.record({
    data: text,
    type: text,
    aggregateType: text,
    commitId: text,
    metadata: text,
    recordedAt: text,
    occurredAt: text,
  });
  fc.assert(
    fc.property(given, fc.maxSafeInteger(), fc.maxSafeInteger(), (more, version, other) => {
      const event = toEnvelopeEvent(
        storedEvent('a', version, {
          ...more,
          schemaVersion: other,
          commitFirst: other,
          commitLast: other,
        }),
      );
      const bytes = Buffer.byteLength(JSON.stringify(event));
      expect(jsonBytes(event)).toBe(bytes);
      expect(jsonBytesBound(event)).toBeGreaterThanOrEqual(bytes);
    }),
  );
});

test('so is the bound of an envelope without its events, whatever its base', () => {
  const largest = Number.MAX_SAFE_INTEGER;
  for (const text of ['a', 'ü"\\', '\u0000'.repeat(256), '😀'.repeat(64)]) {
    const envelope = emptyEnvelope(text, text, largest, largest, largest - 1);
    expect(headerBytesBound(text, text)).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(envelope)));
  }
});

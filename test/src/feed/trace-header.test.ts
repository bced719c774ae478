import { expect, test } from 'vitest';
import { traceHeaderOf } from '../../../src/feed/trace-header.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const of = (traceparent: unknown, more: object = {}) => traceHeaderOf(JSON.stringify({ ...more, traceparent }));

test('a traceparent becomes a trace header', () => {
  const root = 'Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7';
  expect(of(`00-${TRACE}-${PARENT}-01`, { user: 'u-7' })).toBe(`${root};Sampled=1`);
  expect(of(`00-${TRACE}-${PARENT}-00`)).toBe(`${root};Sampled=0`);
  expect(of(`00-${TRACE}-${PARENT}-0b`)).toBe(`${root};Sampled=1`);
  expect(traceHeaderOf(`{ "traceparent" : "00-${TRACE}-${PARENT}-01" }`)).toBe(`${root};Sampled=1`);
});

test.each<[string, string | undefined]>([
  ['no metadata', undefined],
  ['none in it', '{"user":"u-7"}'],
  ['another version', `{"traceparent":"cc-${TRACE}-${PARENT}-01"}`],
  ['one of zeros', `{"traceparent":"00-${'0'.repeat(32)}-${PARENT}-01"}`],
  ['a parent of zeros', `{"traceparent":"00-${TRACE}-${'0'.repeat(16)}-01"}`],
  ['something else', '{"traceparent":{"trace":1}}'],
  ['a text that quotes one', JSON.stringify({ note: `"traceparent":"00-${TRACE}-${PARENT}-01"` })],
  ['a short one', `{"traceparent":"00-${TRACE.slice(1)}-${PARENT}-01"}`],
])('no header for %s', (_, metadata) => {
  expect(traceHeaderOf(metadata)).toBeUndefined();
});

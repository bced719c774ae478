import { Type } from '@sinclair/typebox';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeEvent } from '../../../src/event/encode-event.ts';
import {
  defineAggregate,
  defineApp,
  defineEvent,
  defineProjection,
  eventDecoder,
  type StoredEvent,
  toJsonSchema,
} from '../../../src/index.ts';

const stored = (more: Partial<StoredEvent>): StoredEvent => ({
  aggregateUuid: 'a-1',
  aggregateType: 'Account',
  version: 3,
  type: 'Renamed',
  schemaVersion: 1,
  commitId: 'c',
  commitFirst: 3,
  commitLast: 3,
  recordedAt: '2026-01-01T00:00:00.000Z',
  occurredAt: '2025-01-01T00:00:00.000Z',
  data: '{}',
  ...more,
});

const anything = { type: 'object' } as const;
const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'nothing was thrown';
};

describe('definitions', () => {
  const A = defineEvent({ type: 'A', data: anything });
  const fold = { initialState: () => 0, evolve: (state: number) => state };

  it.each([
    ['definition.badName', () => defineEvent({ type: '', data: anything })],
    ['definition.badName', () => defineEvent({ type: 'a\u0007b', data: anything })],
    ['definition.badName', () => defineEvent({ type: 'x'.repeat(129), data: anything })],
    ['definition.badName', () => defineEvent({ type: undefined as never, data: anything })],
    ['definition.badSchemaVersion', () => defineEvent({ type: 'A', schemaVersion: 0, data: anything })],
    ['definition.noSchema', () => defineEvent({ type: 'A', data: undefined as never })],
    [
      'definition.missingUpcast',
      () => defineEvent({ type: 'A', schemaVersion: 3, data: anything, upcasts: { 1: (d) => d } }),
    ],
    ['definition.strayUpcast', () => defineEvent({ type: 'A', data: anything, upcasts: { 1: (d) => d } })],
    ['definition.noEvents', () => defineAggregate({ type: 'A', events: [], ...fold })],
    ['definition.notAnEvent', () => defineAggregate({ type: 'A', events: [{} as never], ...fold })],
    ['definition.duplicateEvent', () => defineAggregate({ type: 'A', events: [A, A], ...fold })],
    ['definition.badFoldVersion', () => defineAggregate({ type: 'A', events: [A], foldVersion: 1.5, ...fold })],
    ['definition.badName', () => defineProjection({ name: 'Balances', events: [A], ...fold })],
    ['definition.badFoldVersion', () => defineProjection({ name: 'b', version: 0, events: [A], ...fold })],
  ])('refuses with %s', (code, define) => {
    expect(codeOf(define)).toBe(code);
  });

  it('refuses two things of one name in an app', () => {
    const aggregate = defineAggregate({ type: 'X', events: [A], ...fold });
    const projection = defineProjection({ name: 'p', aggregate, ...fold });
    const otherA = defineAggregate({ type: 'Y', events: [defineEvent({ type: 'A', data: anything })], ...fold });
    const app =
      (aggregates: (typeof aggregate)[], projections: (typeof projection)[] = []) =>
      () =>
        defineApp({ name: 'bank', aggregates, projections });
    expect(codeOf(app([aggregate, aggregate]))).toBe('definition.duplicateName');
    expect(codeOf(app([aggregate], [projection, projection]))).toBe('definition.duplicateName');
    expect(() => defineApp({ name: 'bank', aggregates: [aggregate, otherA] })).toThrow('two event definitions');
    expect(app([aggregate], [projection])()).toMatchObject({ kind: 'app', name: 'bank' });
  });

  it('are plain data', () => {
    const aggregate = defineAggregate({ type: 'X', events: [A], ...fold });
    expect(A).toEqual({ kind: 'event', type: 'A', schemaVersion: 1, data: anything, upcasts: {} });
    expect(defineProjection({ name: 'p', aggregate, ...fold })).toEqual({
      kind: 'projection',
      name: 'p',
      version: 1,
      aggregateType: 'X',
      events: [A],
      ...fold,
    });
  });
});

describe('encoding', () => {
  const Renamed = defineEvent({
    type: 'Renamed',
    data: z.object({ name: z.string(), title: z.string().default('none') }),
    metadata: { type: 'object', properties: { by: { type: 'string' } }, additionalProperties: false },
  });

  it('writes what a schema library makes of the data, defaults too', () => {
    const encoded = encodeEvent({ type: 'Renamed', data: { name: 'Bob' }, metadata: { by: 'Eve' } }, Renamed, 1);
    expect(encoded).toEqual({
      type: 'Renamed',
      schemaVersion: 1,
      data: '{"name":"Bob","title":"none"}',
      metadata: '{"by":"Eve"}',
    });
  });

  it('says every time in UTC with milliseconds', () => {
    const at = (occurredAt: string | Date) => encodeEvent({ type: 'X', data: 1, occurredAt }, undefined, 1).occurredAt;
    expect(at('2026-01-31T12:00:00+01:00')).toBe('2026-01-31T11:00:00.000Z');
    expect(at('2026-01-31T12:00:00.123456789Z')).toBe('2026-01-31T12:00:00.123Z');
    expect(at(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
    expect(at('0050-01-01T00:00:00Z')).toBe('0050-01-01T00:00:00.000Z');
  });

  it.each([
    ['event.invalid', { type: 'Renamed', data: { name: 1 } }, '/name'],
    ['event.invalid', { type: 'Renamed' }, 'is missing'],
    ['event.invalid', { type: 'Renamed', data: { name: 'Bob' }, metadata: { to: 1 } }, '/to is not allowed'],
    ['event.unknownField', { type: 'Renamed', data: { name: 'Bob' }, meta: {} }, 'meta'],
    ['event.badOccurredAt', { type: 'Renamed', data: { name: 'Bob' }, occurredAt: '2026-01-31' }, '2026-01-31'],
    [
      'event.badOccurredAt',
      { type: 'Renamed', data: { name: 'Bob' }, occurredAt: '2026-01-31T12:00:00' },
      'allowed is',
    ],
    ['event.badOccurredAt', { type: 'Renamed', data: { name: 'Bob' }, occurredAt: new Date(Number.NaN) }, 'Invalid'],
    ['event.badOccurredAt', { type: 'Renamed', data: { name: 'Bob' }, occurredAt: '0000-01-01T00:00:00Z' }, 'years'],
  ])('refuses with %s: %j', (code, event, part) => {
    const encode = () => encodeEvent(event, Renamed, 1);
    expect(encode).toThrowError(expect.objectContaining({ code }));
    expect(encode).toThrowError(part);
  });

  it('refuses a schema that answers asynchronously, and data that is no JSON', () => {
    const late = defineEvent({ type: 'Late', data: z.object({}).refine(async () => true) });
    expect(() => encodeEvent({ type: 'Late', data: {} }, late, 1)).toThrow();
    const date = defineEvent({ type: 'Dated', data: z.object({ at: z.date() }) });
    expect(() => encodeEvent({ type: 'Dated', data: { at: new Date(0) } }, date, 1)).toThrow('/at a Date is not JSON');
    expect(() => encodeEvent({ type: 'Any', data: { at: Number.NaN } }, undefined, 1)).toThrow('/at NaN is not JSON');
    expect(() => encodeEvent({ type: 'Any', data: 1, metadata: [1] }, undefined, 1)).toThrow('must be an object');
  });
});

describe('decoding', () => {
  const seen: unknown[] = [];
  const Renamed = defineEvent({
    type: 'Renamed',
    schemaVersion: 3,
    data: { type: 'object', properties: { first: { type: 'string' } }, required: ['first'] },
    upcasts: {
      1: (data: { n: string }, event) => {
        seen.push(event.occurredAt);
        return { name: data.n };
      },
      2: (data: { name: string }) => ({ first: data.name }),
    },
  });
  const decoder = eventDecoder([Renamed], { validate: true });

  it('upcasts from any version, step by step', () => {
    expect(decoder.decode(stored({ schemaVersion: 1, data: '{"n":"Bob"}' }))).toMatchObject({
      data: { first: 'Bob' },
      schemaVersion: 3,
    });
    expect(decoder.decode(stored({ schemaVersion: 2, data: '{"name":"Bob"}' }))?.data).toEqual({ first: 'Bob' });
    expect(decoder.decode(stored({ schemaVersion: 3, data: '{"first":"Bob"}' }))?.data).toEqual({ first: 'Bob' });
    expect(seen).toEqual(['2025-01-01T00:00:00.000Z']);
  });

  it('knows an event that is none of its own', () => {
    expect(decoder.decode(stored({ type: 'Other' }))).toBeUndefined();
  });

  it.each([
    ['event.newerSchema', { schemaVersion: 4 }],
    ['event.upcastFailed', { schemaVersion: 1, data: 'null' }],
    ['event.upcastFailed', { schemaVersion: 0 }],
    ['event.corrupt', { data: '{' }],
    ['event.corrupt', { metadata: '{' }],
    ['event.invalid', { schemaVersion: 3, data: '{"first":1}' }],
    ['event.invalid', { schemaVersion: 3, data: '{"first":"x"}', metadata: '[]' }],
  ])('says %s for %j', (code, more) => {
    expect(codeOf(() => decoder.decode(stored(more)))).toBe(code);
  });
});

describe('JSON Schema of an event', () => {
  it('is the schema itself, or what the library says', () => {
    expect(toJsonSchema(defineEvent({ type: 'A', data: anything }))).toEqual(anything);
    const fromZod = defineEvent({ type: 'B', data: z.object({ n: z.int().min(1) }) });
    expect(toJsonSchema(fromZod)).toMatchObject({ type: 'object', properties: { n: { type: 'integer', minimum: 1 } } });
    expect(toJsonSchema(fromZod, 'metadata')).toEqual({ type: 'object' });
  });

  it('is refused by code where a library cannot say it, and taken from beside the schema', () => {
    const data = v.object({ n: v.number() });
    const mute = defineEvent({ type: 'C', data });
    expect(codeOf(() => toJsonSchema(mute))).toBe('schema.noJsonSchema');
    expect(() => toJsonSchema(mute)).toThrow('made with valibot');
    const said = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    expect(toJsonSchema(defineEvent({ type: 'C', data, jsonSchema: { data: said } }))).toBe(said);
  });
});

describe('the same event by each library', () => {
  const said = { type: 'object', properties: { amount: { type: 'integer', minimum: 1 } }, required: ['amount'] };
  const whole = v.pipe(v.number(), v.integer(), v.minValue(1));
  it.each([
    [
      'JSON Schema',
      defineEvent({
        type: 'Renamed',
        data: { type: 'object', properties: { amount: { type: 'integer', minimum: 1 } }, required: ['amount'] },
      }),
    ],
    ['zod', defineEvent({ type: 'Renamed', data: z.object({ amount: z.int().min(1) }) })],
    ['valibot', defineEvent({ type: 'Renamed', data: v.object({ amount: whole }), jsonSchema: { data: said } })],
    ['TypeBox', defineEvent({ type: 'Renamed', data: Type.Object({ amount: Type.Integer({ minimum: 1 }) }) })],
  ])('%s validates before a write and after a read, and is said as JSON Schema', (_library, event) => {
    expect(encodeEvent({ type: 'Renamed', data: { amount: 5 } }, event, 1).data).toBe('{"amount":5}');
    const refused = () => encodeEvent({ type: 'Renamed', data: { amount: 0 } }, event, 1);
    expect(refused).toThrowError(expect.objectContaining({ code: 'event.invalid' }));
    expect(refused).toThrowError('/amount');
    const strict = eventDecoder([event], { validate: true });
    expect(strict.decode(stored({ data: '{"amount":5}' }))?.data).toEqual({ amount: 5 });
    const bad = stored({ data: '{"amount":"5"}' });
    expect(codeOf(() => strict.decode(bad))).toBe('event.invalid');
    // Not on request: what was validated when it was written is taken as it is.
    expect(eventDecoder([event]).decode(bad)?.data).toEqual({ amount: '5' });
    expect(JSON.parse(JSON.stringify(toJsonSchema(event)))).toMatchObject(said);
  });
});

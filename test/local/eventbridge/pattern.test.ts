import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceError } from '../../../local/cloud.ts';
import { parseExact } from '../../../local/eventbridge/exact-json.ts';
import { compilePattern } from '../../../local/eventbridge/pattern.ts';

/** Patterns and events with the answers that AWS's own matcher (event-ruler 2.1.0) gave for them. */
const recorded: { pattern: string; error?: string; events?: [string, boolean][] }[] = JSON.parse(
  readFileSync(new URL('./rule-matcher.snap.json', import.meta.url), 'utf8'),
);

const matches = (pattern: object, event: object) => compilePattern(pattern)(event);

describe('the answers of the rule matcher itself', () => {
  it('has enough of them, of both kinds', () => {
    const answers = recorded.flatMap((one) => one.events ?? []);
    expect(answers.filter(([, yes]) => yes).length).toBeGreaterThan(300);
    expect(answers.filter(([, yes]) => !yes).length).toBeGreaterThan(300);
    expect(recorded.filter((one) => one.error !== undefined).length).toBeGreaterThan(60);
  });

  it.each(recorded.filter((one) => one.events !== undefined))('$pattern', ({ pattern, events }) => {
    const match = compilePattern(pattern);
    for (const [event, answer] of events ?? []) expect(match(parseExact(event)), event).toBe(answer);
  });

  it.each(recorded.filter((one) => one.error !== undefined))('refuses $pattern', ({ pattern, error }) => {
    let refused: ServiceError | undefined;
    try {
      compilePattern(pattern);
    } catch (caught) {
      refused = caught as ServiceError;
    }
    expect(refused?.code).toBe('InvalidEventPatternException');
    expect(refused?.message).toBe(`Event pattern is not valid. Reason: ${error}`);
  });
});

describe('patterns of the EventBridge user guide', () => {
  const event = {
    version: '0',
    'detail-type': 'EC2 Instance State-change Notification',
    source: 'aws.ec2',
    time: '2017-10-02T16:24:49Z',
    resources: ['arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000'],
    detail: { 'c-count': 5, 'd-count': 3, 'x-limit': 301.8, 'source-ip': '10.0.0.33', state: 'running' },
  };

  it('matches the complex example', () => {
    const pattern = {
      time: [{ prefix: '2017-10-02' }],
      detail: {
        state: [{ 'anything-but': 'initializing' }],
        'c-count': [{ numeric: ['>', 0, '<=', 5] }],
        'd-count': [{ numeric: ['<', 10] }],
        'x-limit': [{ 'anything-but': [100, 200, 300] }],
        'source-ip': [{ cidr: '10.0.0.0/8' }],
      },
    };
    expect(matches(pattern, event)).toBe(true);
    expect(matches(pattern, { ...event, detail: { ...event.detail, 'c-count': 6 } })).toBe(false);
  });

  it('reads $or on two levels at once', () => {
    const pattern = {
      $or: [{ source: ['aws.s3', 'aws.ec2'] }, { time: [{ prefix: '2018' }] }],
      detail: { $or: [{ 'c-count': [1] }, { state: ['running'], 'd-count': [3] }] },
    };
    expect(matches(pattern, event)).toBe(true);
    expect(matches(pattern, { ...event, detail: { state: 'running', 'd-count': 4 } })).toBe(false);
  });

  it('wants the values of one array element together', () => {
    const songs = {
      Songs: [
        { Name: 'Paperback Writer', Writers: [{ First: 'John' }, { First: 'Paul', Last: 'McCartney' }] },
        { Name: 'Paint It Black', Writers: [{ First: 'Mick', Last: 'Jagger' }] },
      ],
    };
    const written = (Name: string, First: string) => ({ Songs: { Name: [Name], Writers: { First: [First] } } });
    expect(matches(written('Paperback Writer', 'Paul'), songs)).toBe(true);
    expect(matches(written('Paperback Writer', 'Mick'), songs)).toBe(false);
    expect(matches({ Songs: { Writers: { First: ['Mick'], Last: ['McCartney'] } } }, songs)).toBe(false);
  });

  it('refuses more $or combinations than 1,000', () => {
    const ten = (field: string) => ({ $or: Array.from({ length: 11 }, (_, i) => ({ [field]: [i] })) });
    expect(() => compilePattern({ a: ten('x'), b: ten('y'), c: ten('z') })).toThrow(/1000 rule combinations/);
  });
});

describe('properties', () => {
  const text = fc.string({ maxLength: 8 }).filter((value) => !/^[\d.:a-fA-F]*$/.test(value));

  it('anything-but is the opposite of the same test on a field with one value', () => {
    const operators = fc.constantFrom('prefix', 'suffix', 'equals-ignore-case');
    fc.assert(
      fc.property(operators, text.filter(Boolean), text, (operator, operand, value) => {
        const yes = matches({ a: [{ [operator]: operand }] }, { a: value });
        expect(matches({ a: [{ 'anything-but': { [operator]: operand } }] }, { a: value })).toBe(!yes);
      }),
    );
  });

  it('every value matches itself, and exists tells presence', () => {
    const leaf = fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(leaf, fc.constantFrom('a', 'toString', '__proto__', 'a.b'), (value, name) => {
        const object = (content: unknown) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(content)}}`);
        expect(compilePattern(object([value]))(object(value))).toBe(true);
        expect(compilePattern(object([{ exists: true }]))(object(value))).toBe(true);
        expect(compilePattern(object([{ exists: true }]))({})).toBe(false);
        expect(compilePattern(object([{ exists: false }]))({})).toBe(true);
      }),
    );
  });

  it('a wildcard is what a regular expression makes of it', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '.', 'é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), fc.array(piece, { maxLength: 6 }), (pieces, letters) => {
        const expected = new RegExp(`^${pieces.map((one) => one.replace('.', '\\.')).join('.*')}$`, 's');
        const value = letters.join('');
        expect(matches({ a: [{ wildcard: pieces.join('*') }] }, { a: value })).toBe(expected.test(value));
      }),
    );
  });
});

it('matches at least 200,000 rules a second', () => {
  const match = compilePattern({
    source: ['daybook'],
    'detail-type': ['MoneyDeposited', 'MoneyWithdrawn'],
    detail: { aggregateType: ['Account'], data: { amount: [{ numeric: ['>', 100] }] } },
  });
  const event = {
    version: '0',
    'detail-type': 'MoneyDeposited',
    source: 'daybook',
    resources: [],
    detail: { feed: 'f', aggregateUuid: 'u', aggregateType: 'Account', version: 3, data: { amount: 250, by: 'bob' } },
  };
  const rates = Array.from({ length: 5 }, () => {
    const start = performance.now();
    for (let i = 0; i < 40_000; i++) if (!match(event)) throw new Error('must match');
    return 40_000 / ((performance.now() - start) / 1000);
  });
  expect(Math.max(...rates)).toBeGreaterThan(200_000);
});

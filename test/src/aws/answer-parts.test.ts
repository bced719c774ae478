import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, answerParts } from '../../../src/aws/answer-parts.ts';

const bytesOf = (answer: object, space?: number) => Buffer.from(JSON.stringify(answer, undefined, space));
const together = (parts: readonly Answer[]) => ({
  items: parts.flatMap(({ Items = [] }) => Items),
  next: parts.at(-1)!.LastEvaluatedKey,
});
/** Texts that look like the place between two items, of all lengths around a part's. */
const items = (count: number, text: string) =>
  Array.from({ length: count }, (_, i) => ({ Version: { N: `${i}` }, Data: { S: `${text}${i}` } }));

describe('a page in parts', () => {
  it('has all items once and in order, whatever stands in the texts, and the key with the last part', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('},{"', '},{', '"Items":[', 'ü},{\\"', '}]}', '},{\\'));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.array(text, { maxLength: 40 }), (count, texts) => {
        const Items = items(count, texts.join('').repeat(20));
        const LastEvaluatedKey = { Version: { N: texts.join('},{') } };
        for (const answer of [
          { Count: count, Items, LastEvaluatedKey },
          { LastEvaluatedKey, Items },
        ]) {
          const parts = [...answerParts(bytesOf(answer))];
          expect(together(parts)).toEqual({ items: Items, next: LastEvaluatedKey });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is of parts of about 64 KB', () => {
    const parts = [...answerParts(bytesOf({ Items: items(1000, 'x'.repeat(1000)), Count: 1000 }))];
    expect(parts.length).toBeGreaterThan(10);
    for (const { Items = [] } of parts) expect(JSON.stringify(Items).length).toBeLessThan(68_000);
  });

  it('is one part where it cannot be cut: nested items, spaces between, a text that ends like an item, no items', () => {
    const nested = [{ A: { L: items(3000, 'x'.repeat(40)) } }, { B: { S: 'last' } }];
    const ends = [{ A: { S: `${'x'.repeat(80_000)}},{` } }, ...items(3000, 'x'.repeat(40))];
    expect(together([...answerParts(bytesOf({ Items: nested }))]).items).toEqual(nested);
    expect(together([...answerParts(bytesOf({ Items: ends }))]).items).toEqual(ends);
    expect(together([...answerParts(bytesOf({ Items: ends }, 2))]).items).toEqual(ends);
    expect([...answerParts(Buffer.from('{"Count":0}'))]).toEqual([{ Count: 0 }]);
  });

  it('says what is no JSON', () => {
    const whole = bytesOf({ Items: items(1000, 'x'.repeat(200)) });
    expect(() => [...answerParts(whole.subarray(0, whole.length - 5))]).toThrow(SyntaxError);
  });
});

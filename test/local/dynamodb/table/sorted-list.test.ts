import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Sorted, SortedList } from '../../../../local/dynamodb/table/sorted-list.ts';

const text = (entry: Sorted) => `${entry.order}/${entry.tie}`;

function backwards(list: SortedList<Sorted>): string[] {
  const found: string[] = [];
  const at = list.end();
  while (list.back(at)) found.push(text(list.at(at)!));
  return found;
}

describe('SortedList', () => {
  it('holds what a sorted array would, after any puts and deletes', () => {
    const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 2 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const list = new SortedList<Sorted>();
        const model = new Set<string>();
        for (const [puts, order, tie] of steps) {
          const entry = { order: String(order).padStart(3, '0'), tie: String(tie) };
          if (puts) {
            list.set(entry);
            model.add(text(entry));
          } else {
            expect(list.delete(entry.order, entry.tie)).toBe(model.delete(text(entry)));
          }
        }
        const expected = [...model].sort();
        expect([...list].map(text)).toEqual(expected);
        expect(backwards(list)).toEqual([...expected].reverse());
        expect(list.size).toBe(expected.length);
      }),
      { seed: 20260103, numRuns: 100 },
    );
  });

  it.each(['growing', 'falling', 'mixed'])('keeps 100,000 %s keys, and finds each', (way) => {
    const list = new SortedList<Sorted>();
    const count = 100_000;
    const number = (i: number) => (way === 'growing' ? i : way === 'falling' ? count - 1 - i : (i * 7919) % count);
    for (let i = 0; i < count; i++) list.set({ order: String(number(i)).padStart(6, '0'), tie: '' });
    expect(list.size).toBe(count);
    for (let i = 0; i < count; i += 997) expect(list.get(String(i).padStart(6, '0'), '')).toBeDefined();
    expect(list.get('100000', '')).toBeUndefined();
    expect(list.at(list.seek('0500005', ''))?.order).toBe('050001');
    const orders = [...list].map(({ order }) => order);
    expect(orders.every((order, i) => i === 0 || order > orders[i - 1]!)).toBe(true);
  });
});

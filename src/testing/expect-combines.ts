import type { RollupDefinition } from '../projection/definition.ts';
import { expectEqual, fail, freeze, text } from './given-events.ts';

/** So many values are tried, each three of them in each order. */
const MOST_VALUES = 8;

/**
 * Specifies a rollup's `combine` by values of one key: it gives the same in any order and grouping, and leaves both as they are. A rollup
 * whose `combine` does not needs an order that aggregates do not have among them: its values would differ with every replay.
 * Tries each three of the first eight. Sums of fractions differ in their last digit: count in whole units, such as cents.
 *
 * @example
 * expectCombines(depositsByMonth, [{ count: 1 }, { count: 2 }, { count: 40 }]);
 */
export function expectCombines<Value>(
  // biome-ignore lint/suspicious/noExplicitAny: a rollup of whatever events
  rollup: RollupDefinition<string, any, Value>,
  values: readonly NoInfer<Value>[],
): void {
  const tried = values.slice(0, MOST_VALUES).map((value) => text(value));
  const combine = (a: Value, b: Value): Value => {
    try {
      return JSON.parse(text(rollup.combine(freeze(a), freeze(b)))) as Value;
    } catch (error) {
      const of = `${text(a)} and ${text(b)}`;
      if (/read only|not extensible|Cannot delete/.test(String(error))) {
        fail(`the combine of ${rollup.name} changes what it is given, ${of}: return another value`, error);
      }
      fail(`the combine of ${rollup.name} makes no JSON of ${of}`, error);
    }
  };
  const read = (json: string) => JSON.parse(json) as Value;
  const pairs = tried.flatMap((a) => tried.map((b) => [a, b] as const));
  for (const [a, b] of pairs) {
    const what = `the combine of ${rollup.name} needs an order: what it makes of ${a} and ${b}, and of the two the other way round,`;
    expectEqual(what, combine(read(b), read(a)), combine(read(a), read(b)));
  }
  for (const [a, b] of pairs) {
    for (const c of tried) {
      const what = `the combine of ${rollup.name} needs a grouping: what it makes of ${a}, ${b} and ${c}, from the left and from the right,`;
      const [left, right] = [combine(read(a), read(b)), combine(read(b), read(c))];
      expectEqual(what, combine(read(a), right), combine(left, read(c)));
    }
  }
}

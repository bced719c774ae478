import { expect, test } from 'vitest';
import { BUGS } from './bugs.ts';
import { findBug } from './find-bug.ts';
import { loadCode, SMALL_LIMITS } from './load-code.ts';
import { FAULTS, planOf } from './plan.ts';
import { simulate } from './simulation.ts';

const SEEDS = 200;

test(`${SEEDS} seeded runs under faults: no gap, nothing lost, every effect once, then silence`, async () => {
  const code = await loadCode(SMALL_LIMITS);
  const struck = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations, counts, faults } = await simulate(seed, code);
    expect(violations, `seed ${seed} (${faults.join(', ')}): npm run simulate -- --seed ${seed} --trace`).toEqual([]);
    for (const what of counts.keys()) struck.add(what);
    expect(counts.get('appended')).toBeGreaterThanOrEqual(10);
  }
  // Every fault that is a chance has struck at least once.
  const always = new Set<string>([
    'splitItems',
    'tornCommit',
    'confirmDown',
    'skew',
    'foreign',
    'rogue',
    'lateHole',
    'permanentHole',
    'poison',
  ]);
  expect(FAULTS.filter((fault) => !always.has(fault) && !struck.has(fault))).toEqual([]);
});

test('a seed is one run: again it is the same to the last line', async () => {
  const code = await loadCode(SMALL_LIMITS);
  const [first, second] = [await simulate(42, code, { trace: true }), await simulate(42, code, { trace: true })];
  expect(first.trace.length).toBeGreaterThan(50);
  expect(second.trace).toEqual(first.trace);
});

test('every run has at least two aggregates, twelve events and three faults', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const { lengths, faults } = planOf(seed);
    expect(lengths.length).toBeGreaterThanOrEqual(2);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeGreaterThanOrEqual(12);
    expect(faults.size).toBeGreaterThanOrEqual(3);
  }
});

test.each(BUGS.filter(({ rare }) => rare !== true))('a planted bug is found: $name', async (bug) => {
  expect(await findBug(bug, 100)).toBeDefined();
});

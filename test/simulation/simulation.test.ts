import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { BUGS } from './bugs.ts';
import { findBug } from './find-bug.ts';
import { loadCode, SMALL_LIMITS } from './load-code.ts';
import { ALONE_EVERY, FAULT_NAMES, planOf } from './plan.ts';
import shownBy from './shown-by.json' with { type: 'json' };
import { checkOf, shrink, tell } from './shrink.ts';
import { simulate } from './simulation.ts';
import { createTotals } from './totals.ts';

const SEEDS = 60;

test(`${SEEDS} seeded runs under faults: no gap, nothing lost, every effect once, then silence`, async () => {
  const code = await loadCode(SMALL_LIMITS);
  const totals = createTotals();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await simulate(seed, code);
    const { violations, faults } = result;
    expect(violations, `seed ${seed} (${faults.join(', ')}): npm run simulate -- --seed ${seed}`).toEqual([]);
    totals.add(result);
  }
  const { strikes, repeatsPerEvent } = totals.summary;
  expect(FAULT_NAMES.filter((fault) => strikes[fault] === 0)).toEqual([]);
  expect(repeatsPerEvent).toBeLessThan(6);
}, 120_000);

test('a seed is one run: again it is the same to the last line', async () => {
  const code = await loadCode(SMALL_LIMITS);
  const [first, second] = [await simulate(42, code, { trace: true }), await simulate(42, code, { trace: true })];
  expect(first.trace.length).toBeGreaterThan(50);
  expect(second.trace).toEqual(first.trace);
});

test('every run has at least two aggregates and twelve events, and three faults unless it is for one alone', () => {
  const alone = new Set<string>();
  for (let seed = 1; seed <= 500; seed++) {
    const { lengths, faults, consumers } = planOf(seed);
    expect(lengths.length).toBeGreaterThanOrEqual(2);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeGreaterThanOrEqual(12);
    expect(consumers.size).toBeGreaterThanOrEqual(1);
    if (seed % ALONE_EVERY === 0) for (const fault of faults) alone.add(fault);
    else expect(faults.size).toBeGreaterThanOrEqual(3);
  }
  expect([...alone].sort()).toEqual([...FAULT_NAMES].sort());
});

test('a failing seed is cut to a short trace that shows the failure, and always to the same', async () => {
  const bug = BUGS.find(({ name }) => name === 'a gap is dropped')!;
  const found = (await findBug(bug, 100))!;
  const code = await loadCode([...SMALL_LIMITS, ...bug.patches]);
  const shrunk = await shrink(found.seed, code);
  expect(shrunk.result.violations.length).toBeGreaterThan(0);
  // It fails still at the check at which the whole run does.
  expect(checkOf(shrunk.result.trace.at(-1)!)).toContain(`VIOLATION: ${checkOf(found.violation)}`);
  expect(shrunk.result.trace.length).toBeLessThanOrEqual(60);
  expect(shrunk.cut.faults!.length).toBeLessThanOrEqual(3);
  expect(tell(await shrink(found.seed, code))).toEqual(tell(shrunk));
}, 60_000);

test('every planted bug has its place in the source, exactly once', async () => {
  for (const { name, patches } of BUGS) {
    for (const { file, find } of patches) {
      const source = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
      expect(source.split(find).length - 1, `${name}: ${file}: ${find}`).toBe(1);
    }
  }
});

test('the seeds that are looked at first are of planted bugs, and within the five hundred', () => {
  const names = new Set(BUGS.map(({ name }) => name));
  for (const [name, seed] of Object.entries(shownBy)) {
    expect(names).toContain(name);
    expect(seed).toBeLessThanOrEqual(500);
  }
});

// All of them are for `npm run simulate -- --bugs`; here only one of each part, of those that show at once.
test.each([
  'cursor written before the put',
  'confirmed is raised to the head',
  'the position before the effect',
  'the publisher ignores an entry’s failure',
])(
  'a planted bug is found: %s',
  async (name) => {
    const found = await findBug(BUGS.find((bug) => bug.name === name)!, 100);
    expect(found).toBeDefined();
  },
  120_000,
);

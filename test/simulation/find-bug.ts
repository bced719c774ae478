import type { Bug } from './bugs.ts';
import { loadCode, SMALL_LIMITS } from './load-code.ts';
import { simulate } from './simulation.ts';

export interface Found {
  readonly seed: number;
  readonly violation: string;
}

/**
 * A seed among these that shows the bug; undefined when none does. A run that throws shows it too. The one that showed it the last
 * time comes first: then a bug takes one run, and where it does not show any more, it is looked for among all.
 */
export async function findBug(bug: Bug, seeds: number, first = 1, last?: number): Promise<Found | undefined> {
  const code = await loadCode([...SMALL_LIMITS, ...bug.patches]);
  const all = Array.from({ length: seeds }, (_, i) => first + i);
  const known = last !== undefined && all.includes(last) ? [last] : [];
  for (const seed of [...known, ...all]) {
    try {
      const [violation] = (await simulate(seed, code, { stopAtFirst: true })).violations;
      if (violation !== undefined) return { seed, violation };
    } catch (error) {
      return { seed, violation: `the run ends with ${(error as Error).message}` };
    }
  }
  return undefined;
}

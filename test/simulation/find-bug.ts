import type { Bug } from './bugs.ts';
import { loadCode, SMALL_LIMITS } from './load-code.ts';
import { simulate } from './simulation.ts';

export interface Found {
  readonly seed: number;
  readonly violation: string;
}

/** The first seed that shows the bug; undefined when none does. A run that throws shows it too. */
export async function findBug(bug: Bug, seeds: number, first = 1): Promise<Found | undefined> {
  const code = await loadCode([...SMALL_LIMITS, ...bug.patches]);
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      const [violation] = (await simulate(seed, code, { stopAtFirst: true })).violations;
      if (violation !== undefined) return { seed, violation };
    } catch (error) {
      return { seed, violation: `the run ends with ${(error as Error).message}` };
    }
  }
  return undefined;
}

import { describe, expect, test } from 'vitest';
import { violationsOf } from './crashing.ts';
import { crashRun, LENGTHS, RACE_LENGTHS, raceRun, SCENARIOS } from './scenarios.ts';

describe.each(Object.keys(SCENARIOS))('a crash between any two calls, %s', (name) => {
  test('an effect in DynamoDB is there exactly once and in order, parked ones wait, nothing is lost', async () => {
    const { points } = await crashRun('effect', name, []);
    expect(points).toBeGreaterThan(40);
    for (let first = 0; first < points + 10; first++) {
      const { bench } = await crashRun('effect', name, [first]);
      expect(violationsOf('effect', bench, LENGTHS), `crash at ${first}`).toEqual([]);
    }
  });

  test('and so it is with two crashes', async () => {
    const { points } = await crashRun('effect', name, []);
    for (let first = 0; first < points; first++) {
      for (let second = first + 1; second < points + 20; second += 3) {
        const { bench } = await crashRun('effect', name, [first, second]);
        const violations = violationsOf('effect', bench, LENGTHS);
        if (violations.length > 0) expect.fail(`crashes at ${first}, ${second}: ${violations}`);
      }
    }
  });

  test('what acts outside comes in order, at least once, and repeats only the one that was under way', async () => {
    const { points } = await crashRun('act', name, []);
    for (let first = 0; first < points; first++) {
      for (let second = first + 1; second < points + 20; second += 3) {
        const { bench } = await crashRun('act', name, [first, second]);
        const violations = violationsOf('act', bench, LENGTHS);
        if (violations.length > 0) expect.fail(`crashes at ${first}, ${second}: ${violations}`);
        expect(bench.done.length).toBeLessThanOrEqual(6 + 4); // of each aggregate one, a crash
      }
    }
  });
});

test.each([
  ['effect', 80],
  ['act', 50],
] as const)(
  'whoever races, crashes, parks and redrives: each %s in order, nothing is left out',
  async (kind, seeds) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { bench, left } = await raceRun(seed, kind);
      expect(left, `seed ${seed}`).toBe(0);
      expect(violationsOf(kind, bench, RACE_LENGTHS), `seed ${seed}`).toEqual([]);
      expect(bench.positions.parked.size, `seed ${seed}`).toBe(0);
    }
  },
);

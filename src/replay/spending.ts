import './errors.ts';
import { DaybookError } from '../errors.ts';
import { GB_SECOND } from '../list-prices.ts';
import type { Builds } from './builds.ts';
import type { Plan } from './plan.ts';

/** What a step has spent since it was last counted. */
export interface Spending {
  /** US dollars, of requests. */
  add(dollars: number): void;
  /** Counts it with what all of the replay's functions have spent, at most every so many milliseconds; throws when that is over the budget. */
  settle(everyMs?: number): Promise<void>;
}

const NOTHING: Spending = { add: () => {}, settle: async () => {} };

/**
 * A replay with a budget counts what it spends while it runs: functions by their time, requests by their number, at the prices of
 * the estimate. Without one nothing is counted.
 *
 * @throws `replay.budgetSpent`
 */
export function spendingOf(builds: Builds, { projection, name, request }: Plan, memoryGb: number): Spending {
  const { budget } = request;
  if (budget === undefined) return NOTHING;
  let since = Date.now();
  let requests = 0;
  return {
    add(dollars) {
      requests += dollars;
    },
    async settle(everyMs = 0) {
      const now = Date.now();
      if (now - since < everyMs) return;
      const dollars = ((now - since) / 1000) * memoryGb * GB_SECOND + requests;
      since = now;
      requests = 0;
      const spent = await builds.spend(projection, name, dollars);
      if (spent > budget) throw new DaybookError('replay.budgetSpent', { projection, build: name, spent, budget });
    },
  };
}

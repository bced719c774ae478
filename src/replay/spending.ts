import './errors.ts';
import { DaybookError } from '../errors.ts';
import { GB_SECOND } from '../list-prices.ts';
import type { BuildProgress } from './builds.ts';
import type { Plan } from './plan.ts';

/** What a step has spent since it was last counted. */
export interface Spending {
  /** US dollars, of requests. */
  add(dollars: number): void;
  /**
   * Of a replay with a budget: counts it with what all of the replay's functions have spent, at most every so many milliseconds;
   * throws when that is over the budget. Without one nothing is done: the step's last write counts it.
   */
  settle(everyMs?: number): Promise<void>;
  /** What is not counted yet, for the step's last write. */
  rest(): number;
}

/**
 * A replay counts what it spends: functions by their time, requests by their number, at the prices of the estimate.
 *
 * @throws `replay.budgetSpent`
 */
export function spendingOf(builds: BuildProgress, { projection, name, request }: Plan, memoryGb: number): Spending {
  const { budget } = request;
  let since = Date.now();
  let requests = 0;
  const rest = () => {
    const now = Date.now();
    const dollars = ((now - since) / 1000) * memoryGb * GB_SECOND + requests;
    since = now;
    requests = 0;
    return dollars;
  };
  return {
    add(dollars) {
      requests += dollars;
    },
    async settle(everyMs = 0) {
      if (budget === undefined || Date.now() - since < everyMs) return;
      const spent = await builds.spend(projection, name, rest());
      if (spent > budget) throw new DaybookError('replay.budgetSpent', { projection, build: name, spent, budget });
    },
    rest,
  };
}

import { deposited } from './bank.ts';

export const COMMITS = 200;

/** The n-th commit, whoever writes it: one to three events, known by its id and its place. */
export function commitOf(n: number) {
  const count = (k: number) => 1 + (k % 3);
  let expectedVersion = 0;
  for (let k = 0; k < n; k++) expectedVersion += count(k);
  const events = Array.from({ length: count(n) }, (_, i) => deposited(n * 10 + i + 1));
  return { expectedVersion, events, commitId: `order-${n}` };
}

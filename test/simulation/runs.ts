// What the bench imports as one file.
export { loadCode, SMALL_LIMITS } from './load-code.ts';
export { simulate } from './simulation.ts';
export { tuneForRuns } from './tune.ts';

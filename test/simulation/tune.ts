import { setFlagsFromString } from 'node:v8';

/** Sets V8 for many short runs, before the code under test is loaded. */
export function tuneForRuns(): void {
  // Each run loads the functions anew: what was compiled for the one before it is kept.
  setFlagsFromString('--no-flush-bytecode');
  setFlagsFromString('--max-lazy');
  // Little runs hot in one run: quick baseline code pays at once, optimized code from some two hundred runs on.
  setFlagsFromString('--sparkplug');
  // Node 20 optimizes three times as early as this, and the compiler takes a sixth of all CPU; later ones count calls, and wait longer.
  if (Number(process.versions.node.split('.')[0]) <= 20) setFlagsFromString('--interrupt-budget=400000');
}

import { setFlagsFromString } from 'node:v8';

/** Sets V8 for many short runs, before the code under test is loaded. */
export function tuneForRuns(): void {
  // Each run loads the functions anew: what was compiled for the one before it is kept.
  setFlagsFromString('--no-flush-bytecode');
  setFlagsFromString('--max-lazy');
  // Nothing here runs hot: optimizing in other threads takes more CPU than it gives back, quick baseline code does not.
  setFlagsFromString('--sparkplug');
  setFlagsFromString('--interrupt-budget=2000000');
}

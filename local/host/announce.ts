import { removeDevFile, writeDevFile } from '../../src/cli/dev-file.ts';
import type { LocalRuntime } from './host.ts';

/**
 * Leaves `.daybook/dev.json` in the working directory, by which the `daybook` commands find the runtime.
 *
 * @returns what removes it again.
 * @example
 * const conceal = announce(runtime);
 */
export function announce(runtime: LocalRuntime): () => void {
  const stacks = Object.entries(runtime.stacks).map(([name, { outputs, resources, byPath }]) => [
    name,
    { outputs, resources, paths: byPath },
  ]);
  writeDevFile({
    endpoint: runtime.endpoint,
    region: runtime.account.region,
    pid: process.pid,
    stacks: Object.fromEntries(stacks),
  });
  return removeDevFile;
}

import { fork } from 'node:child_process';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Rounds } from './run-rounds.ts';

const root = resolve(import.meta.dirname, '../..');

/**
 * Measures one bench in a process of its own, so that no bench warms up or litters another's. It runs JavaScript as the
 * package holds it: what a TypeScript loader adds to functions would be measured too.
 */
export async function runBench(name: string, rounds: number): Promise<Rounds> {
  const outfile = join(root, '.cache/bench', `${name}.mjs`);
  await build({
    stdin: {
      contents: `
        import bench from ${JSON.stringify(`./figures/${name}.ts`)};
        import { measureBench } from './measure-bench.ts';
        await measureBench(bench);`,
      resolveDir: import.meta.dirname,
    },
    outfile,
    bundle: true,
    packages: 'external',
    alias: { daybook: join(root, 'src/index.ts') }, // what the examples import
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
  return await new Promise((done, fail) => {
    const child = fork(outfile, [String(rounds)], {
      execArgv: ['--expose-gc', '--conditions=daybook-source'], // as all of the repository's own programs run
      cwd: root,
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    });
    let taken: Rounds | undefined;
    child.on('message', (message) => {
      taken = message as Rounds;
    });
    child.on('error', fail);
    child.on('close', (code, signal) => {
      if (code === 0 && taken !== undefined) done(taken);
      else fail(new Error(`the bench ${name} ended with ${signal ?? code}${taken ? '' : ' and measured nothing'}`));
    });
  });
}

import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from 'esbuild';

/** The embedded DynamoDB and S3 in a process of their own, behind a port: what a client of theirs takes of the CPU is then its own. */
export async function startServices(folder: string): Promise<{ readonly endpoint: string; end(): Promise<void> }> {
  const outfile = resolve('.cache/bench/services.mjs');
  await build({
    entryPoints: [resolve('test/bench/children/services.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
  const child = fork(outfile, [folder]);
  const closed = new Promise<void>((done) => child.once('close', () => done()));
  const endpoint = await new Promise<string>((done, fail) => {
    child.once('message', (message) => done(message as string));
    child.once('error', fail);
    child.once('close', (code) => fail(new Error(`the embedded services ended with ${code}`)));
  });
  return {
    endpoint,
    async end() {
      child.kill();
      await closed;
    },
  };
}

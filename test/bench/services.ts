import { fork } from 'node:child_process';
import { buildChild } from './build-child.ts';

/** The embedded DynamoDB and S3 in a process of their own, behind a port: what a client of theirs takes of the CPU is then its own. */
export async function startServices(folder: string): Promise<{ readonly endpoint: string; end(): Promise<void> }> {
  const outfile = await buildChild('services');
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

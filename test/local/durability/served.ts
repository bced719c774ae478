import { type ChildProcess, spawn } from 'node:child_process';
import { nodeProgram } from '../../node-program.ts';

const children = new Set<ChildProcess>();

/** A runtime in a process of its own, on a data folder. */
export interface Served {
  readonly endpoint: string;
  readonly byPath: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly config: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly maxAttempts: number;
  };
  kill(): Promise<void>;
}

/** Starts it and kills it after a while, ready or not. */
export async function killEarly(assembly: string, data: string, afterMs: number): Promise<void> {
  const args = await argsOf(assembly, data);
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
}

const argsOf = async (assembly: string, data: string) => [
  ...(await nodeProgram('test/local/durability/serve-data.ts')),
  assembly,
  data,
];

/** Resolves when it is ready. */
export async function serve(assembly: string, data: string): Promise<Served> {
  const args = await argsOf(assembly, data);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      said += chunk;
      if (said.endsWith('\n')) resolve();
    });
    void ended.then(() => reject(new Error('it ended before it was ready')));
  });
  const ready = JSON.parse(said);
  return {
    ...ready,
    config: {
      endpoint: ready.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 1,
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
      children.delete(child);
    },
  };
}

/** For a test that failed in the middle. */
export function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

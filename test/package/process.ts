import { type ChildProcess, spawn } from 'node:child_process';

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when the process and its output have ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
  out(): string;
}

/** Outside this test run: nothing of npm's, vitest's or AWS's settings here reaches it. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|node_|vitest|aws_|cdk_|test$)/i.test(name));
  return { ...Object.fromEntries(own), npm_config_update_notifier: 'false', ...more };
}

export function start(cwd: string, command: readonly string[], more: Readonly<Record<string, string>> = {}): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { cwd, env: environment(more), stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return { child, ended, out: () => out };
}

/** What it printed; a failure shows all of it. */
export async function run(
  cwd: string,
  command: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, out, err } = await start(cwd, command, more).ended;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${out}\n${err}`);
  return out;
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import type { LogEntry } from '../../../local/lambda/invoker.ts';
import { createLambda, type LambdaOptions } from '../../../local/lambda/lambda.ts';

/** A Lambda in real time whose functions are files written here. */
export function hostLambda(options: LambdaOptions = {}) {
  const kernel = realKernel();
  const cloud = createCloud(kernel);
  const logs: LogEntry[] = [];
  const lambda = createLambda(cloud, { log: (entry) => logs.push(entry), ...options });
  const folder = mkdtempSync(join(tmpdir(), 'daybook-test-'));
  let functions = 0;
  return {
    kernel,
    cloud,
    lambda,
    logs,
    /** Creates a function from files; `index.mjs` alone may be given as text. */
    async define(files: string | Record<string, string>, configuration: Json = {}): Promise<string> {
      const name = `function-${++functions}`;
      const code = join(folder, name);
      for (const [path, text] of Object.entries(typeof files === 'string' ? { 'index.mjs': files } : files)) {
        mkdirSync(dirname(join(code, path)), { recursive: true });
        writeFileSync(join(code, path), text);
      }
      await cloud.call(ROOT, 'lambda', 'CreateFunction', {
        FunctionName: name,
        Handler: 'index.handler',
        Runtime: 'nodejs20.x',
        Role: 'arn:aws:iam::000000000000:role/app',
        Code: { LocalFolder: code },
        ...configuration,
      });
      return name;
    },
    async invoke(name: string, event: Json = {}, more: Json = {}) {
      const answer = await cloud.call(ROOT, 'lambda', 'Invoke', {
        FunctionName: name,
        Payload: JSON.stringify(event),
        ...more,
      });
      const text = answer.Payload.toString('utf8');
      return { ...answer, body: text === '' ? undefined : JSON.parse(text) };
    },
    async stop() {
      await lambda.stop();
      kernel.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `condition` holds, at most a few seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the condition never held');
}

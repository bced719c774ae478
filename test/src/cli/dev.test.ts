import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readDevFile } from '../../../src/cli/dev-file.ts';
import { nodeProgram } from '../../node-program.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

let directory: string;
let running: Running | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'daybook-dev-'));
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
  running = undefined;
  rmSync(directory, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  out(): string;
  err(): string;
}

async function daybook(...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, [...(await nodeProgram('test/src/cli/run-main.ts')), ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  running = { child, ended, out: () => out, err: () => err };
  return running;
}

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 50_000, interval: 50 });

describe('daybook dev', { timeout: 60_000 }, () => {
  it('--json says endpoint and names in one line, answers, and goes at Ctrl-C without a trace', async () => {
    const { child, ended, out, err } = await daybook('dev', '--app', here('./small-app.ts'), '--json', '--no-tour');
    await until(() => expect(out() || err()).toMatch(/\n$/));
    expect(err()).toBe('');
    expect(out().trimEnd().split('\n')).toHaveLength(1);
    const ready = JSON.parse(out());
    const { TableName } = ready.stacks.Small.outputs;
    expect(ready).toMatchObject({
      endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      region: 'us-east-1',
    });
    expect(ready.stacks.Small.paths['Small/Things']).toBe(TableName);
    expect(Object.values(ready.stacks.Small.resources)).toContain(TableName);
    expect(readDevFile(directory)).toEqual({ ...ready, pid: child.pid });

    const client = new DynamoDBClient({ ...ready, credentials: { accessKeyId: 'x', secretAccessKey: 'y' } });
    await client.send(new PutItemCommand({ TableName, Item: { id: { S: 'a' } } }));
    expect((await client.send(new ScanCommand({ TableName }))).Items).toEqual([{ id: { S: 'a' } }]);

    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(readDevFile(directory)).toBeUndefined();
    expect(out().trimEnd().split('\n')).toHaveLength(1);
  });

  it('--data goes on after kill -9 under the same names; --chaos says what struck', async () => {
    const args = ['dev', '--app', here('./small-app.ts'), '--json', '--no-tour', '--data', 'kept'];
    const first = await daybook(...args);
    await until(() => expect(first.out() || first.err()).toMatch(/\n$/));
    const ready = JSON.parse(first.out());
    const { TableName } = ready.stacks.Small.outputs;
    const credentials = { accessKeyId: 'x', secretAccessKey: 'y' };
    const before = new DynamoDBClient({ ...ready, credentials });
    await before.send(new PutItemCommand({ TableName, Item: { id: { S: 'a' } } }));
    first.child.kill('SIGKILL');
    await first.ended;

    const { child, ended, out, err } = await daybook(...args, '--chaos', '1', '--chaos-only', 'dynamodb:slow=1');
    await until(() => expect(out() || err()).toMatch(/\n$/));
    const again = JSON.parse(out());
    expect(again.stacks).toEqual(ready.stacks);
    const client = new DynamoDBClient({ ...again, credentials });
    expect((await client.send(new ScanCommand({ TableName }))).Items).toEqual([{ id: { S: 'a' } }]);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(err()).toMatch(/^Faults that struck:\n {2}dynamodb:slow {2}1×\n$/);
  });

  it('shows people where it is, what there is and what flows', async () => {
    const { child, ended, out } = await daybook('dev', '--app', here('./small-app.ts'));
    await until(() => expect(out()).toContain('What flows where'));
    expect(out()).toMatch(/^daybook dev is ready after \d+\.\d s at http:\/\/127\.0\.0\.1:\d+ \(us-east-1\)$/m);
    expect(out()).toMatch(/^ {2}Things {2}DynamoDB::Table {2}Small-Things/m);
    expect(out()).toMatch(/^ {2}export AWS_ENDPOINT_URL=http:\/\/127\.0\.0\.1:\d+ AWS_REGION=us-east-1 /m);
    expect(out()).not.toContain('\u001b'); // not a terminal: no colours
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('says what an app did wrong', async () => {
    const { ended, out, err } = await daybook('dev', '--app', here('./dev.test.ts'));
    expect(await ended).toBe(1);
    expect(err()).toMatch(/^local\.synthFailed: The CDK app failed: .*dev\.test\.ts\n/);
    expect(out()).toBe('');
  });

  it('says which of two files it takes', async () => {
    const definition = join(directory, 'app.mjs');
    writeFileSync(definition, 'const defineApp = (app) => app;\nexport default defineApp({});\n');
    const { ended, err } = await daybook('dev', '--app', definition);
    expect(await ended).toBe(1);
    expect(err()).toMatch(/^local\.synthFailed: [\s\S]*dev takes the CDK app, not the module that exports defineApp/);
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';

import app from '../../examples/bank/app.ts';
import { checkRequest } from '../../src/replay/request.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

describe('README', () => {
  const blocks = [...readme.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];

  it('shows code of files that are here and run', () => {
    expect(blocks.map(([, file]) => file)).toEqual([
      'test/docs/ten-lines.ts',
      'test/docs/start-replay.ts',
      'test/docs/cdk-app.ts',
    ]);
    expect([...readme.matchAll(/```ts\n/g)]).toHaveLength(blocks.length);
    for (const [, file, code] of blocks) expect(code).toBe(readFileSync(root + file, 'utf8'));
  });

  it('has ten lines that do what they say', async () => {
    const { state, version } = await import('./ten-lines.ts');
    expect({ state, version }).toEqual({ state: { balance: 100 }, version: 1 });
  });

  it('has a CDK app that makes a bus', async () => {
    vi.stubEnv('CDK_CONTEXT_JSON', '{"daybook:local":true}'); // no layer of native code is fetched
    const { bus } = await import('./cdk-app.ts');
    expect(bus.node.path).toBe('Bank/Daybook/Publisher/Bus');
  });

  it('asks for replays that are accepted', async () => {
    const { firstThree, start } = await import('./start-replay.ts');
    const asked: unknown[] = [];
    const client = { send: async ({ input }: { input: { input: string } }) => asked.push(JSON.parse(input.input)) };
    await start(client as never, 'arn', 'january');
    await start(client as never, 'arn', 'first-three', firstThree);
    expect(asked.map((request) => checkRequest(request, app.projections).range.kind)).toEqual(['times', 'versions']);
  });

  it('names a verb, a function, a construct and a test that are here for each step, and no function is left out', () => {
    const rows = readme
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.includes('`src/'))
      .map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, path]) => path!));
    expect(rows.length).toBeGreaterThanOrEqual(12);
    const named = rows.flat();
    for (const path of named) expect(existsSync(root + path), path).toBe(true);
    const functions = readdirSync(`${root}functions`).filter((name) => !name.endsWith('.d.ts'));
    for (const name of functions) expect(named).toContain(`functions/${name}`);
  });

  it('adds its costs up', () => {
    const rows = readme
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter(([, , amount, price]) => /^[\d.]/.test(amount ?? '') && / per /.test(price ?? ''));
    let total = 0;
    for (const [, what, amount, price, cost] of rows) {
      const product = Number.parseFloat(amount!) * Number.parseFloat(price!);
      expect(Math.abs(product - Number(cost)), what).toBeLessThan(0.011);
      total += Number(cost);
    }
    expect(rows.length).toBeGreaterThan(15);
    expect(readme).toContain(`| **together** | | | **${total.toFixed(2)}** |`);
  });

  it('leads to pages that are here', () => {
    for (const [, path] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) expect(existsSync(root + path), path).toBe(true);
  });
});

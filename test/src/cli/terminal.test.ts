import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { writeHead } from '../../../src/cli/read.ts';
import { cut, processTerminal } from '../../../src/cli/terminal.ts';
import { nodeProgram } from '../../node-program.ts';

const main = () => nodeProgram('test/src/cli/run-main.ts');

async function withoutReader(...args: string[]) {
  const child = spawn(process.execPath, [...(await main()), ...args]);
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  return { code, err };
}

it('ends quietly when nobody reads any more', async () => {
  expect(await withoutReader('list', '--help')).toEqual({ code: 0, err: '' });
});

it('still fails at what is wrong', async () => {
  const { code, err } = await withoutReader('brew');
  expect(code).toBe(2);
  expect(err).toMatch(/^cli\.usage: There is no command brew/);
});

it('cuts to a width, never through a character', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('ab😀cd', 4)).toBe('ab…');
  expect(cut('abc', Number.POSITIVE_INFINITY)).toBe('abc');
});

it('cuts nothing that is piped on, and heads only what people read', () => {
  // A test's standard output is no terminal.
  expect(processTerminal()).toMatchObject({ columns: Number.POSITIVE_INFINITY, interactive: false, colored: false });
  const out: string[] = [];
  const terminal = { columns: 40, colored: false, out: (t: string) => out.push(t), err: () => {} };
  writeHead(terminal);
  expect(out).toEqual([]);
  writeHead({ ...terminal, interactive: true }, 'recorded');
  expect(out).toEqual(['version  recorded                  type…']);
});

it('cuts nothing on a terminal that has no size, which says 0', () => {
  const { isTTY, columns } = process.stdout;
  try {
    Object.assign(process.stdout, { isTTY: true, columns: 0 });
    expect(processTerminal()).toMatchObject({ columns: Number.POSITIVE_INFINITY, interactive: true });
    process.stdout.columns = 80;
    expect(processTerminal().columns).toBe(80);
  } finally {
    Object.assign(process.stdout, { isTTY, columns });
  }
});

const somewhere = ['read', 'a', '--table', 'events', '--region', 'us-east-1', '--endpoint', 'http://127.0.0.1:1'];

it.each([
  [['read', 'a', '--table', 'events'], {}, /^cli\.noRegion: Which region\? Give --region/],
  [somewhere, {}, /^cli\.noCredentials: .*AWS_PROFILE/],
  [
    somewhere,
    { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    /^cli\.unreachable: Nothing answers \(.*ECONNREFUSED/,
  ],
])('says in one line why %j with %j cannot ask', { timeout: 20_000 }, async (args, credentials, said) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'daybook-nowhere-'));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...credentials,
  };
  const options = { cwd: folder, env };
  const child = spawn(process.execPath, [...(await main()), ...args], options);
  let err = '';
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  rmSync(folder, { recursive: true });
  expect(code).toBe(1);
  expect(err).toMatch(said);
  expect(err.trimEnd()).not.toContain('\n');
});

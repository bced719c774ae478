import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';

interface Recorded extends Terminal {
  readonly written: string[];
  readonly complained: string[];
}

function recorder(colored = false): Recorded {
  const written: string[] = [];
  const complained: string[] = [];
  return {
    columns: 100,
    colored,
    written,
    complained,
    out: (text) => written.push(text),
    err: (text) => complained.push(text),
  };
}

describe('daybook', () => {
  it.each([[[]], [['--help']], [['-h']]])('%j lists the commands', async (args) => {
    const terminal = recorder();
    expect(await main(args, terminal)).toBe(0);
    expect(terminal.written.join('\n')).toMatch(/^ {2}dev +run your CDK app/m);
    expect(terminal.complained).toEqual([]);
  });

  it('--version is the package’s', async () => {
    const terminal = recorder();
    expect(await main(['--version'], terminal)).toBe(0);
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(terminal.written).toEqual([version]);
  });

  it('each command has a help of its own, wherever --help stands', async () => {
    for (const args of [
      ['dev', '--help'],
      ['dev', '--port', '4566', '-h'],
    ]) {
      const terminal = recorder();
      expect(await main(args, terminal)).toBe(0);
      expect(terminal.written.join('\n')).toMatch(/^daybook dev \[--app FILE\]/);
    }
  });
});

describe('wrong usage ends with 2 and says what is wrong', () => {
  it.each([
    [['brew'], /^cli\.usage: There is no command brew; there is .*dev/],
    [['dev', '--colour'], /^cli\.usage: Unknown option '--colour'\. See `daybook dev --help`\.$/],
    [['dev', 'extra'], /^cli\.usage: Unexpected argument 'extra'/],
    [['dev', '--port', '70000'], /^cli\.usage: --port takes a number from 1 to 65535, not 70000/],
    [['dev', '--port'], /^cli\.usage: Option '--port <value>' argument missing/],
    [['dev', '--data', ''], /^cli\.usage: --data takes a folder/],
    [['dev', '--chaos', 'much'], /^cli\.usage: --chaos takes a seed, a whole number, not much/],
    [['dev', '--chaos-only', 'sqs'], /^cli\.usage: --chaos-only goes with --chaos SEED/],
  ])('%j', async (args, message) => {
    const terminal = recorder();
    expect(await main(args, terminal)).toBe(2);
    expect(terminal.complained.join('\n')).toMatch(message);
    expect(terminal.written).toEqual([]);
  });
});

describe('a failure ends with 1 and begins with its code', () => {
  it.each([[['dev', '--app', 'no/such/app.ts'], /^local\.noFile: There is no file .*no\/such\/app\.ts/]])(
    '%j',
    async (args, message) => {
      const terminal = recorder();
      expect(await main(args, terminal)).toBe(1);
      expect(terminal.complained.join('\n')).toMatch(message);
    },
  );

  it('is red only where colours are wanted', async () => {
    const terminal = recorder(true);
    await main(['brew'], terminal);
    expect(terminal.complained[0]).toMatch(/cli\.usage: There/);
    expect(terminal.complained[0]?.startsWith('\u001b[31m')).toBe(true);
  });
});

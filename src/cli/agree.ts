import './errors.ts';
import { createInterface } from 'node:readline/promises';
import { DaybookError } from '../errors.ts';
import { DOLLARS_PER_MILLION_READS, DOLLARS_PER_MILLION_WRITES } from '../list-prices.ts';
import { paint, type Terminal } from './terminal.ts';

/** What something costs, in words. */
export function priceText(units: { readonly reads: number; readonly writes?: number }): string {
  const { reads, writes = 0 } = units;
  const dollars = (reads * DOLLARS_PER_MILLION_READS + writes * DOLLARS_PER_MILLION_WRITES) / 1_000_000;
  const n = (value: number) => Math.ceil(value).toLocaleString('en');
  const written = writes === 0 ? '' : ` and ${n(writes)} write units`;
  const money = dollars < 0.01 ? 'less than one cent' : `about $${dollars.toFixed(2)}`;
  return `about ${n(reads)} read units${written}, ${money} on demand in us-east-1`;
}

/** Says what something costs and goes on only when that is wanted: by `--yes`, or by the person at the terminal. */
export async function agree(terminal: Terminal, what: string, yes: boolean, command: string): Promise<void> {
  terminal.err(paint(terminal, 'dim', what));
  if (yes) return;
  if (process.stdin.isTTY === true && process.stderr.isTTY === true) {
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await asking.question('Go on? [y/N] ');
    asking.close();
    if (/^y(es)?$/i.test(answer.trim())) return;
  }
  throw new DaybookError('cli.notAgreed', { command });
}

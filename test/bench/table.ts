import { paint, type Terminal } from '../../src/cli/terminal.ts';
import type { Budget } from './figure.ts';
import type { ResultLine } from './result-line.ts';

/** The results as people read them: one row per figure, what it is about below it. */
export function tableOf(lines: readonly ResultLine[], terminal: Pick<Terminal, 'colored'>): string[] {
  const rows = lines.map((line) => [line.figure, medianOf(line), budgetOf(line), markOf(line), `${line.rounds}`]);
  const all = [['figure', 'median [min – max]', 'budget', '', 'rounds'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row, i) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]!));
    // Only what is padded already is coloured: codes have no width.
    if (i === 0) return paintBold(terminal, cells.join('  ').trimEnd());
    cells[3] = paintMark(terminal, lines[i - 1]!, cells[3]!);
    return cells.join('  ').trimEnd();
  });
}

export function markOf({ met, noisy }: Pick<ResultLine, 'met' | 'noisy'>): string {
  if (met === null) return 'reference';
  return `${met ? 'met' : 'not met'}${noisy ? ', noisy' : ''}`;
}

export function medianOf({ median, min, max, unit }: ResultLine): string {
  return `${number(median)} [${number(min)} – ${number(max)}]${unit === 'ratio' ? '' : ` ${unit}`}`;
}

function budgetOf({ budget }: { readonly budget: Budget | null }): string {
  if (budget === null) return '';
  return 'atMost' in budget ? `≤ ${number(budget.atMost)}` : `≥ ${number(budget.atLeast)}`;
}

function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3);
}

const paintBold = (terminal: Pick<Terminal, 'colored'>, text: string) => paint(terminal as Terminal, 'bold', text);

function paintMark(terminal: Pick<Terminal, 'colored'>, { met, noisy }: ResultLine, text: string): string {
  if (met === null) return paint(terminal as Terminal, 'dim', text);
  return paint(terminal as Terminal, noisy ? 'yellow' : met ? 'green' : 'red', text);
}

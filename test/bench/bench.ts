/** `npm run bench`: measures figures, one JSON line each in bench/results.jsonl and a table on screen. See docs/benchmarks.md. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { columnsOf, paint, processTerminal } from '../../src/cli/terminal.ts';
import { type Bench, DEFAULT_ROUNDS } from './figure.ts';
import { judge } from './judge.ts';
import { loadBenches, selectBenches } from './load-benches.ts';
import { conditions, presentLoad, type ResultLine, resultLine } from './result-line.ts';
import { runBench } from './run-bench.ts';
import { tableOf } from './table.ts';

const HELP = `npm run bench -- [NAME …] [--rounds N] [--out FILE] [--list]

  NAME        figures or benches; default all
  --rounds N  paired rounds, instead of each bench's own number (${DEFAULT_ROUNDS} unless it is a long one)
  --out FILE  where the JSON lines are added; default bench/results.jsonl
  --list      the figures with their budgets, without measuring`;

const root = resolve(import.meta.dirname, '../..');
const terminal = processTerminal();

try {
  process.exitCode = await main();
} catch (error) {
  terminal.err(paint(terminal, 'red', error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      out: { type: 'string', default: resolve(root, 'bench/results.jsonl') },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds >= 1)) {
    throw new Error(`--rounds is ${values.rounds}; it takes a whole number from 1`);
  }
  const benches = selectBenches(await loadBenches(), positionals);
  if (values.list) {
    list(benches);
    return 0;
  }
  mkdirSync(dirname(values.out), { recursive: true });
  const lines: ResultLine[] = [];
  let failed = 0;
  for (const bench of benches) {
    try {
      const measured = await measure(bench, rounds ?? bench.rounds ?? DEFAULT_ROUNDS);
      appendFileSync(values.out, measured.map((line) => `${JSON.stringify(line)}\n`).join(''));
      lines.push(...measured);
    } catch (error) {
      failed++;
      terminal.err(paint(terminal, 'red', `${bench.name}: ${(error as Error).message}`));
    }
  }
  if (lines.length > 0) {
    for (const row of tableOf(lines, terminal)) terminal.out(row);
    terminal.out(summaryOf(lines, relative(process.cwd(), values.out)));
  }
  if (failed > 0) terminal.err(paint(terminal, 'red', `${failed} of ${benches.length} benches could not be measured`));
  return failed > 0 ? 1 : 0;
}

async function measure(bench: Bench, rounds: number): Promise<readonly ResultLine[]> {
  const started = performance.now();
  const loadBefore = presentLoad();
  const taken = await runBench(bench.name, rounds);
  const where = conditions([loadBefore, presentLoad()]);
  terminal.err(`${bench.name}: ${rounds} rounds, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return bench.figures.map((figure) => resultLine(bench.name, figure, judge(figure, taken), taken, where));
}

function list(benches: readonly Bench[]): void {
  const rows = benches.flatMap(({ figures }) =>
    figures.map(({ name, what, budget }) => {
      const limit = budget === undefined ? '' : 'atMost' in budget ? `≤ ${budget.atMost}` : `≥ ${budget.atLeast}`;
      return [name, limit, what];
    }),
  );
  for (const row of columnsOf(rows)) terminal.out(row);
}

function summaryOf(lines: readonly ResultLine[], file: string): string {
  const judged = lines.filter(({ met }) => met !== null);
  const count = (met: boolean) => judged.filter((line) => line.met === met).length;
  const noisy = judged.filter((line) => line.noisy).length;
  const load = Math.max(...lines.flatMap((line) => line.load));
  const { node, cpus } = lines[0]!;
  return (
    `\n${count(true)} met, ${count(false)} not met, ${noisy} of them noisy (the rounds' spread straddles the budget). ` +
    `Node ${node}, ${cpus} cores, load average up to ${load}. ${file}`
  );
}

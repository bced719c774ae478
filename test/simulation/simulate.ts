/**
 * npm run simulate -- --seeds N [--seed S] [--trace] [--json]
 * npm run simulate -- --bugs [--bug NAME] [--seeds N] [--part 1/2] [--anew] [--json]
 *
 * Runs the feed's functions over the embedded runtime's cores in seeded virtual time under faults, and checks from outside what
 * comes of it. A failing seed is cut to a short run and told; --trace tells the whole. With --bugs it plants each known mistake
 * in turn, and fails unless each one shows within N seeds: shown-by.json says which to look at first, --anew looks at all from
 * the first and writes it. Ends with 1 for a failure, with 2 for a wrong argument.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BUGS } from './bugs.ts';
import { findBug } from './find-bug.ts';
import { loadCode, SMALL_LIMITS } from './load-code.ts';
import { createProgress } from './progress.ts';
import { shrink, tell } from './shrink.ts';
import { type RunResult, simulate } from './simulation.ts';
import { createTotals, tellTotals } from './totals.ts';
import { tuneForRuns } from './tune.ts';

tuneForRuns();

const USAGE =
  'usage: npm run simulate -- --seeds N [--seed S] [--trace] [--json], or --bugs [--bug NAME] [--seeds N] [--part I/N] [--anew]; N and S are whole numbers from 1';

function readArguments() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      part: { type: 'string', default: '1/1' },
      bug: { type: 'string', default: '' },
      trace: { type: 'boolean', default: false },
      bugs: { type: 'boolean', default: false },
      anew: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const first = Number(values.seed ?? 1);
  const count = Number(values.seeds ?? (values.seed !== undefined ? 1 : values.bugs ? 500 : 1000));
  const [part, parts] = values.part.split('/').map(Number) as [number, number];
  const whole = [first, count, part, parts].every((each) => Number.isSafeInteger(each) && each >= 1);
  if (!whole || part > parts) throw new Error(USAGE);
  return { ...values, first, count, part, parts };
}

type Arguments = ReturnType<typeof readArguments>;

async function runSeeds({ first, count, trace, json }: Arguments): Promise<number> {
  const code = await loadCode(SMALL_LIMITS);
  const totals = createTotals();
  const progress = createProgress(count, process.stdout, json);
  const started = performance.now();
  const cpu = process.cpuUsage();
  for (let seed = first; seed < first + count; seed++) {
    const result = await runOne(seed, code, trace);
    totals.add(result);
    if (trace && !json) for (const line of result.trace) progress.line(line);
    progress.at(seed - first + 1, totals.summary.failed.length > 0 ? `${totals.summary.failed.length} failed` : '');
    if (result.violations.length === 0 || json) continue;
    progress.line(`seed ${seed} fails (${result.faults.join(', ')}):`);
    for (const violation of result.violations.slice(0, 5)) progress.line(`  ${violation}`);
    // Cutting takes hundreds of runs: the first failures are enough to work on.
    if (trace || totals.summary.failed.length > 3) continue;
    for (const line of tell(await shrink(seed, code))) progress.line(line);
  }
  const seconds = (performance.now() - started) / 1000;
  // Of the whole process, collecting garbage and compiling too: on a machine that others use as well it says more than the clock.
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = (user + system) / 1e6;
  const { summary } = totals;
  const perMinute = Math.round((count / seconds) * 60);
  const perCpuMinute = Math.round((count / cpuSeconds) * 60);
  progress.end();
  if (json) console.log(JSON.stringify({ ...summary, seconds, perMinute, cpuSeconds, perCpuMinute }));
  else {
    for (const line of tellTotals(summary)) console.log(line);
    console.log(
      `${count} runs in ${seconds.toFixed(1)} s (${perMinute} a minute), ${cpuSeconds.toFixed(1)} s of CPU (${perCpuMinute} a minute), ` +
        `${summary.failed.length} failed`,
    );
    if (summary.failed.length > 0)
      console.log(`again: npm run simulate -- --seed ${summary.failed[0]}, all of it with --trace`);
  }
  return summary.failed.length === 0 ? 0 : 1;
}

/** A run that cannot end is a failure like any other. */
async function runOne(seed: number, code: Awaited<ReturnType<typeof loadCode>>, trace: boolean): Promise<RunResult> {
  try {
    return await simulate(seed, code, { trace });
  } catch (error) {
    const violations = [`the run ends with ${(error as Error).stack}`];
    return { seed, faults: [], violations, trace: [], counts: new Map() };
  }
}

/** By the bug's name, the first seed that shows it. */
const SHOWN_BY = fileURLToPath(new URL('../../test/simulation/shown-by.json', import.meta.url));

async function runBugs({ first, count, json, bug, part, parts, anew }: Arguments): Promise<number> {
  const shownBy: Record<string, number> = JSON.parse(readFileSync(SHOWN_BY, 'utf8'));
  const bugs = BUGS.filter(({ name }, i) => i % parts === part - 1 && name.includes(bug));
  const progress = createProgress(bugs.length, process.stdout, json);
  const found = [];
  for (const [i, planted] of bugs.entries()) {
    const shown = await findBug(planted, count, first, anew ? undefined : shownBy[planted.name]);
    found.push({ bug: planted.name, ...shown });
    progress.line(
      `${shown === undefined ? 'NOT FOUND' : `seed ${shown.seed}`}`
        .padEnd(10)
        .concat(`${planted.name}: ${shown?.violation ?? ''}`),
    );
    progress.at(i + 1);
  }
  progress.end();
  if (anew) keepShown(found);
  const missed = found.filter(({ seed }) => seed === undefined).length;
  if (json) console.log(JSON.stringify({ bugs: found, missed, seeds: count }));
  else console.log(`${bugs.length - missed} of ${bugs.length} planted bugs found within ${count} seeds`);
  return missed === 0 ? 0 : 1;
}

/** Read again before it is written: another part may have ended meanwhile. What is no bug any more goes. */
function keepShown(found: readonly { readonly bug: string; readonly seed?: number }[]): void {
  const kept: Record<string, number> = JSON.parse(readFileSync(SHOWN_BY, 'utf8'));
  for (const { bug, seed } of found) if (seed !== undefined) kept[bug] = seed;
  const now = BUGS.filter(({ name }) => kept[name] !== undefined).map(({ name }) => [name, kept[name]]);
  writeFileSync(SHOWN_BY, `${JSON.stringify(Object.fromEntries(now), undefined, 2)}\n`);
}

let given: Arguments;
try {
  given = readArguments();
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
process.exitCode = await (given.bugs ? runBugs(given) : runSeeds(given));

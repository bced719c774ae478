import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import type { Budget, Figure } from './figure.ts';
import { type Judgement, spreadOf } from './judge.ts';
import type { Rounds } from './run-rounds.ts';

/** Where and on what a figure was measured. */
export interface Conditions {
  readonly node: string;
  readonly platform: string;
  readonly cpus: number;
  /** Processes that wanted a core in the last minute, on average, as the bench began and as it ended. */
  readonly load: readonly [number, number];
  /** Null outside a clone; with `+` when files differ from it. */
  readonly commit: string | null;
  readonly at: string;
}

/** One line of `bench/results.jsonl`. */
export interface ResultLine extends Judgement, Conditions {
  readonly figure: string;
  readonly bench: string;
  readonly what: string;
  /** What was measured: `cpu`, `wall` or a reading. */
  readonly by: string;
  readonly budget: Budget | null;
  /** The median of each reading of each side, per operation; `cpu` and `wall` in nanoseconds. */
  readonly sides: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function resultLine(
  bench: string,
  figure: Figure,
  judgement: Judgement,
  rounds: Rounds,
  conditions: Conditions,
): ResultLine {
  const { name, what, formula, budget = null } = figure;
  const { unit, met, noisy, rounds: count, ...spread } = judgement;
  return {
    figure: name,
    bench,
    what,
    unit,
    by: formula.by,
    ...(mapValues(spread, round) as unknown as typeof spread),
    budget,
    met,
    noisy,
    rounds: count,
    sides: mapValues(rounds, medians),
    ...conditions,
  };
}

function medians(rounds: Rounds[string]): Record<string, number> {
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, round(spreadOf(rounds.map((one) => one[name]!)).median)]));
}

function mapValues<In, Out>(record: Readonly<Record<string, In>>, map: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

/** Four digits are more than a measurement is worth. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

export function presentLoad(): number {
  return Math.round(loadavg()[0]! * 100) / 100;
}

export function conditions(load: readonly [number, number]): Conditions {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpus: cpus().length,
    load,
    commit: presentCommit(),
    at: new Date().toISOString(),
  };
}

function presentCommit(): string | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+');
  } catch {
    return null;
  }
}

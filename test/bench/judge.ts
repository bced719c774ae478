import type { Budget, Figure, Formula } from './figure.ts';
import type { Rounds } from './run-rounds.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The quartiles: half of the rounds lie between them. */
  readonly q1: number;
  readonly q3: number;
}

export interface Judgement extends Spread {
  readonly unit: string;
  /** By the median; null without a budget. */
  readonly met: boolean | null;
  /** Some rounds say so and some otherwise, or there were too few of them; null without a budget. */
  readonly noisy: boolean | null;
  readonly rounds: number;
}

/** With fewer rounds the spread says nothing. */
const FEW_ROUNDS = 5;

/** Makes a figure of the rounds: its value in each, then their median and spread, then its budget's mark. */
export function judge({ formula, budget }: Pick<Figure, 'formula' | 'budget'>, rounds: Rounds): Judgement {
  const values = valuesOf(formula, rounds);
  const spread = spreadOf(values);
  return {
    ...spread,
    unit: unitOf(formula),
    met: budget === undefined ? null : keeps(budget, spread.median),
    noisy:
      budget === undefined
        ? null
        : values.length < FEW_ROUNDS || keeps(budget, spread.min) !== keeps(budget, spread.max),
    rounds: values.length,
  };
}

/** The figure's value in each round: sides are only ever compared within one. */
export function valuesOf(formula: Formula<string>, rounds: Rounds): readonly number[] {
  const of = readingsOf(rounds, formula.of, formula.by);
  switch (formula.kind) {
    case 'ratio': {
      const to = readingsOf(rounds, formula.to, formula.by);
      return of.map((value, i) => value / positive(to[i]!, formula.to, formula.by));
    }
    case 'extra': {
      const over = readingsOf(rounds, formula.over, formula.by);
      return of.map((value, i) => value - over[i]!);
    }
    case 'rate':
      return of.map((value) => 1e9 / positive(value, formula.of, formula.by));
    case 'reading':
      return of;
  }
}

function readingsOf(rounds: Rounds, side: string, by: string): readonly number[] {
  return (rounds[side] ?? []).map((readings) => {
    const value = readings[by];
    if (value === undefined) throw new Error(`the side ${side} has no reading ${by}`);
    return value;
  });
}

function positive(value: number, side: string, by: string): number {
  if (value > 0) return value;
  throw new Error(`the side ${side} took no ${by} that can be measured: do more operations in a run`);
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('no rounds were measured');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)]!;
    return below + (sorted[Math.ceil(place)]! - below) * (place - Math.floor(place));
  };
  return { median: at(0.5), min: at(0), max: at(1), q1: at(0.25), q3: at(0.75) };
}

function keeps(budget: Budget, value: number): boolean {
  return 'atMost' in budget ? value <= budget.atMost : value >= budget.atLeast;
}

function unitOf(formula: Formula<string>): string {
  if (formula.kind === 'reading') return formula.unit;
  return { ratio: 'ratio', rate: 'per second', extra: 'ns' }[formula.kind];
}

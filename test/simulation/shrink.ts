import type { CodeUnderTest } from './load-code.ts';
import { type Cut, planOf } from './plan.ts';
import { type RunResult, simulate } from './simulation.ts';

export interface Shrunk {
  readonly cut: Cut;
  /** The run that is left, to its first violation. */
  readonly result: RunResult;
  /** How many runs it took. */
  readonly tried: number;
}

/** A run that never ends its shrinking helps nobody. */
const MOST_RUNS = 400;

/**
 * Cuts a failing run until nothing can go without the failure going too: faults, consumers, aggregates, events, then single
 * strikes. The same seed is always cut the same way.
 */
export async function shrink(seed: number, code: CodeUnderTest): Promise<Shrunk> {
  let tried = 0;
  const failing = async (cut: Cut): Promise<boolean> => {
    if (tried >= MOST_RUNS) return false;
    tried++;
    try {
      return (await simulate(seed, code, { cut, stopAtFirst: true })).violations.length > 0;
    } catch {
      return true; // a run that cannot even end is a failure too
    }
  };
  const { faults, lengths, consumers } = planOf(seed);
  let cut: Required<Cut> = { faults: [...faults], lengths, consumers: [...consumers], without: [] };
  const attempt = async (change: Partial<Cut>): Promise<boolean> => {
    const smaller = { ...cut, ...change };
    if (!(await failing(smaller))) return false;
    cut = smaller;
    return true;
  };
  const leaveOut = async (part: 'faults' | 'consumers') => {
    for (const each of [...cut[part]]) await attempt({ [part]: (cut[part] as string[]).filter((one) => one !== each) });
  };
  const shorten = async (i: number) => {
    if (await attempt({ lengths: cut.lengths.with(i, 0) })) return;
    for (let less = cut.lengths[i]! >> 1; less > 0; ) {
      if (await attempt({ lengths: cut.lengths.with(i, cut.lengths[i]! - less) }))
        less = Math.min(less, cut.lengths[i]! >> 1);
      else less >>= 1;
    }
  };

  for (let before = ''; before !== JSON.stringify(cut); ) {
    before = JSON.stringify(cut);
    await leaveOut('faults');
    await leaveOut('consumers');
    for (const i of cut.lengths.keys()) await shorten(i);
  }
  const struck = await simulate(seed, code, { cut, stopAtFirst: true }).catch(() => undefined);
  for (const fault of cut.faults) {
    for (let strike = Math.min(struck?.counts.get(fault) ?? 0, 30); strike > 0; strike--) {
      await attempt({ without: [...cut.without, `${fault}#${strike}`] });
    }
  }
  const result = await simulate(seed, code, { cut, stopAtFirst: true, trace: true });
  return { cut, tried, result: { ...result, trace: toFirstViolation(result.trace) } };
}

function toFirstViolation(trace: readonly string[]): readonly string[] {
  const at = trace.findIndex((line) => line.includes('VIOLATION'));
  return at < 0 ? trace : trace.slice(0, at + 1);
}

/** The cut run for a reader: what is left of it, then line by line what happens. */
export function tell({ cut, result, tried }: Shrunk): readonly string[] {
  const { faults = [], lengths = [], consumers = [], without = [] } = cut;
  return [
    `seed ${result.seed}, cut by ${tried} runs to ${lengths.filter((length) => length > 0).length} aggregates of ${lengths.filter((length) => length > 0).join(' and ')} events,`,
    `  consumers: ${consumers.join(', ') || 'none'}; faults: ${faults.join(', ') || 'none'}${without.length > 0 ? `, ${without.length} strikes left out` : ''}`,
    ...result.trace,
  ];
}

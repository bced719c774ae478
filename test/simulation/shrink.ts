import type { CodeUnderTest } from './load-code.ts';
import { type Cut, planOf } from './plan.ts';
import { type RunResult, simulate } from './simulation.ts';

export interface Shrunk {
  readonly cut: Cut;
  /** The run that is left, to the violation that it was cut for. */
  readonly result: RunResult;
  /** How many runs it took. */
  readonly tried: number;
}

/** What a line of the trace says before a failed check. */
const VIOLATION = 'VIOLATION: ';

/** A run that never ends its shrinking helps nobody. */
const MOST_RUNS = 400;

/** Which check it is that has failed: what it says, without the aggregate and the numbers of this run. */
export function checkOf(violation: string): string {
  return violation.replace(/\b[a-d]\d+-\d+|\d+/g, '…');
}

/**
 * Cuts a failing run until nothing can go without the failure going too: faults, consumers, aggregates, events, then single
 * strikes. What is left fails at the same check as the whole. The same seed is always cut the same way.
 */
export async function shrink(seed: number, code: CodeUnderTest): Promise<Shrunk> {
  let tried = 0;
  /** The checks that fail in what is left; a run that cannot even end is a failure too. */
  const failures = async (cut?: Cut): Promise<readonly string[]> => {
    tried++;
    try {
      const { violations } = await simulate(seed, code, { ...(cut && { cut }), stopAtFirst: true });
      return violations.map(checkOf);
    } catch {
      return ['it ends'];
    }
  };
  const [failure] = await failures();
  const failing = async (cut: Cut): Promise<boolean> => {
    if (tried >= MOST_RUNS) return false;
    const found = await failures(cut);
    return failure === undefined ? found.length > 0 : found.includes(failure);
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
  return { cut, tried, result: { ...result, trace: toViolation(result.trace, failure) } };
}

function toViolation(trace: readonly string[], failure: string | undefined): readonly string[] {
  const violations = [...trace.keys()].filter((i) => trace[i]!.includes(VIOLATION));
  const at = violations.find((i) => checkOf(trace[i]!.split(VIOLATION)[1]!) === failure) ?? violations[0];
  return at === undefined ? trace : trace.slice(0, at + 1);
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

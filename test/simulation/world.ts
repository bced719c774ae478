import { seededRandom } from '../../local/kernel/kernel.ts';
import { type VirtualKernel, virtualKernel } from '../../local/kernel/virtual-kernel.ts';
import { FAULT_NAMES, type Fault, type Plan } from './plan.ts';

/** Time, chance, faults and findings of one run. */
export interface World {
  readonly plan: Plan;
  readonly kernel: VirtualKernel;
  now(): number;
  /** In whole numbers, both ends included. */
  pick(least: number, most: number): number;
  chance(of: number): boolean;
  /** Does this fault strike now? Never after faults have stopped. Each fault has chances of its own: one that is cut away changes no other. */
  strikes(fault: Fault, chance: number): boolean;
  /** The same of an adoption, which may come when all other faults have stopped. */
  strikesAdoption(chance: number): boolean;
  /** Counts a fault that is no chance. */
  struck(fault: Fault): void;
  faultsAreOver(): boolean;
  sleep(ms: number): Promise<void>;
  later(ms: number, task: () => unknown): void;
  /** A line of the trace. */
  note(text: string): void;
  /** Something that must never be. */
  violate(text: string): void;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly counts: Map<string, number>;
  count(what: string, by?: number): void;
}

/** Under these a feed begins over a table that has events. */
const ADOPTIONS: readonly Fault[] = ['adoptedNow', 'recreatedFeed', 'restoredTable'];

export function createWorld(plan: Plan, withTrace: boolean): World {
  const kernel = virtualKernel({ seed: plan.seed, promisesOnly: true });
  const start = kernel.clock.now();
  const random = seededRandom(plan.seed * 104_729 + 7);
  const chances = new Map(FAULT_NAMES.map((fault, i) => [fault, seededRandom(plan.seed * 1_299_709 + i * 7919)]));
  const violations: string[] = [];
  const trace: string[] = [];
  const counts = new Map<string, number>();
  const now = () => kernel.clock.now();
  const faultsAreOver = () => now() - start >= plan.faultsMs;
  const note = (text: string) => {
    if (withTrace) trace.push(`${((now() - start) / 1000).toFixed(3).padStart(10)} s  ${text}`);
  };
  const count = (what: string, by = 1) => void counts.set(what, (counts.get(what) ?? 0) + by);
  const ordinals = new Map<Fault, number>();
  const strike = (fault: Fault, chance: number) => {
    if (chances.get(fault)!.next() >= chance) return false;
    const ordinal = (ordinals.get(fault) ?? 0) + 1;
    ordinals.set(fault, ordinal);
    if (plan.without.has(`${fault}#${ordinal}`)) return false;
    count(fault);
    return true;
  };
  const adopting = ADOPTIONS.find((fault) => plan.faults.has(fault));
  return {
    plan,
    kernel,
    now,
    pick: (least, most) => least + Math.floor(random.next() * (most - least + 1)),
    chance: (of) => random.next() < of,
    strikes: (fault, chance) => plan.faults.has(fault) && !faultsAreOver() && strike(fault, chance),
    strikesAdoption: (chance) => adopting !== undefined && strike(adopting, chance),
    struck: (fault) => count(fault),
    faultsAreOver,
    sleep: (ms) => kernel.scheduler.sleep(ms),
    later: (ms, task) => void kernel.scheduler.after(ms, task),
    note,
    violate(text) {
      note(`VIOLATION: ${text}`);
      violations.push(text);
    },
    violations,
    trace,
    counts,
    count,
  };
}

import { type VirtualKernel, virtualKernel } from '../../local/kernel/virtual-kernel.ts';
import type { Fault, Plan } from './plan.ts';

/** Time, chance, faults and findings of one run. */
export interface World {
  readonly plan: Plan;
  readonly kernel: VirtualKernel;
  readonly feed: string;
  now(): number;
  /** In whole numbers, both ends included. */
  pick(least: number, most: number): number;
  /** Does this fault strike now? Never after faults have stopped. */
  strikes(fault: Fault, chance: number): boolean;
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

export class Crash extends Error {
  override readonly name = 'Crash';
}

export class Throttled extends Error {
  override readonly name = 'ThrottlingException';
}

export function createWorld(plan: Plan, withTrace: boolean): World {
  const kernel = virtualKernel({ seed: plan.seed });
  const start = kernel.clock.now();
  const { random } = plan;
  const violations: string[] = [];
  const trace: string[] = [];
  const counts = new Map<string, number>();
  const now = () => kernel.clock.now();
  const faultsAreOver = () => now() - start >= plan.faultsMs;
  const note = (text: string) => {
    if (withTrace) trace.push(`${((now() - start) / 1000).toFixed(3).padStart(9)} s  ${text}`);
  };
  return {
    plan,
    kernel,
    feed: 'feed-1',
    now,
    pick: (least, most) => least + Math.floor(random.next() * (most - least + 1)),
    strikes(fault, chance) {
      const struck = plan.faults.has(fault) && !faultsAreOver() && random.next() < chance;
      if (struck) counts.set(fault, (counts.get(fault) ?? 0) + 1);
      return struck;
    },
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
    count(what, by = 1) {
      counts.set(what, (counts.get(what) ?? 0) + by);
    },
  };
}

/** Passes a call of a port through the network: it takes time, may be throttled, and its caller may die before or after it. */
export type Gate = <T>(what: string, run: () => Promise<T>) => Promise<T>;

/** Runs one invocation of a function. Once it has crashed, none of its calls does anything any more. */
export async function invocation<T>(world: World, name: string, body: (gate: Gate) => Promise<T>): Promise<T> {
  let dead = false;
  const die = (): never => {
    dead = true;
    world.note(`${name} crashes`);
    throw new Crash();
  };
  return await body(async (what, run) => {
    if (dead) throw new Crash();
    await world.sleep(world.pick(1, 15));
    if (dead) throw new Crash();
    if (world.strikes('throttle', 0.08)) {
      world.note(`${name}: ${what} is throttled`);
      throw new Throttled();
    }
    if (world.strikes('crash', world.plan.crashChance)) die();
    const result = await run();
    if (world.strikes('crash', world.plan.crashChance)) die();
    return result;
  });
}

type Methods = Record<string, (...args: never[]) => Promise<unknown>>;

/** A port of which each call goes through the gate. */
export function gated<P extends object>(port: P, gate: Gate): P {
  const through: Methods = {};
  for (const [name, method] of Object.entries(port as unknown as Methods)) {
    if (typeof method !== 'function') through[name] = method;
    else through[name] = (...args) => gate(name, () => method(...args));
  }
  return through as unknown as P;
}

/** The events table behind the gate: each page is a call. */
export function gatedTable<T extends { query(...args: never[]): AsyncIterable<unknown> }>(table: T, gate: Gate): T {
  const rest = gated({ ...table, query: undefined } as unknown as Record<string, never>, gate);
  return {
    ...rest,
    async *query(...args: never[]) {
      const pages = table.query(...args)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await gate('query', () => pages.next());
        if (done === true) return;
        yield value;
      }
    },
  } as unknown as T;
}

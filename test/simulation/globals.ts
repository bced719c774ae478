import type { Globals } from './load-code.ts';
import { type Call, sdkOf } from './sdk.ts';

/** What stands behind the globals of one execution environment. */
export interface Outside {
  now(): number;
  random(): number;
  later(ms: number, task: () => void): void;
  sleep(ms: number): Promise<void>;
  readonly call: Call;
  log(line: string): void;
  readonly outsideWorld: Globals['outsideWorld'];
  readonly failsNow: Globals['failsNow'];
}

type Kept = Omit<Globals, 'process'>;

interface Lent {
  readonly of: Kept;
  giveBack(): void;
}

interface Slot {
  outside: Outside | undefined;
  readonly of: Kept;
}

const free: Slot[] = [];

/**
 * Globals for one environment, lent until its run is over; made once, and lent again. V8 keeps the maps of classes and of objects with
 * getters that are made anew in each run, and what they reach, until it collects its old space: a run's whole world, through its clock.
 */
export function lendGlobals(outside: Outside): Lent {
  const slot = free.pop() ?? createSlot();
  slot.outside = outside;
  return {
    of: slot.of,
    giveBack() {
      slot.outside = undefined;
      free.push(slot);
    },
  };
}

function createSlot(): Slot {
  const slot: { outside: Outside | undefined } = { outside: undefined };
  const outside = () => slot.outside!;
  const now = () => outside().now();
  class VirtualDate extends Date {
    constructor(...given: readonly unknown[]) {
      super(...((given.length === 0 ? [now()] : given) as [number]));
    }
    static override now = now;
  }
  const sdk = sdkOf((service, operation, input) => outside().call(service, operation, input));
  const timers = { setTimeout: (ms: number) => outside().sleep(ms) };
  return Object.assign(slot, {
    of: {
      require: (name: string) => (name === 'node:timers/promises' ? timers : (sdk(name) ?? builtin(name))),
      console: { log: (line: string) => outside().log(line) },
      Date: VirtualDate as DateConstructor,
      Math: Object.create(Math, { random: { value: () => outside().random() } }),
      setTimeout: (task: () => void, ms: number) => outside().later(ms, task),
      outsideWorld: (...given: Parameters<Globals['outsideWorld']>) => outside().outsideWorld(...given),
      failsNow: (...given: Parameters<Globals['failsNow']>) => outside().failsNow(...given),
    },
  });
}

const builtins = new Map<string, unknown>();

/** Node's own module behind an object without members of its own: a bundle that is loaded copies every one that it finds. */
function builtin(name: string): unknown {
  let light = builtins.get(name);
  if (light === undefined) {
    const module = process.getBuiltinModule(name);
    light = typeof module === 'object' ? Object.create(module) : module;
    builtins.set(name, light);
  }
  return light;
}

import type { Prepared, Readings, Side } from './figure.ts';

/** What each side took, round by round, per operation. */
export type Rounds = Readonly<Record<string, readonly Readings[]>>;

export interface Meter {
  /** Nanoseconds of this process's CPU: all its threads, so that collecting garbage counts. */
  cpu(): number;
  /** Nanoseconds. */
  wall(): number;
  /** Collects garbage, so that no side pays for another's. */
  collect(): void;
}

/** The process's own; it needs `--expose-gc`. */
export function processMeter(): Meter {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('start it with --expose-gc, or one side pays for the garbage of another');
  return {
    cpu() {
      const { user, system } = process.cpuUsage();
      return (user + system) * 1000;
    },
    wall: () => Number(process.hrtime.bigint()),
    collect,
  };
}

export interface RoundsOptions {
  readonly rounds: number;
  /** Runs of each side in a round; default 1. */
  readonly turns?: number;
  /** Rounds that are not counted; default 3. */
  readonly warmUp?: number;
}

/**
 * Runs all sides in every round, and in every turn in another order: what the machine does meanwhile meets all of them
 * alike, and what is compared was measured within the same second or so.
 */
export async function runRounds(
  sides: Prepared['sides'],
  { rounds, turns = 1, warmUp = 3 }: RoundsOptions,
  meter: Meter,
): Promise<Rounds> {
  const names = Object.keys(sides);
  const taken: Record<string, Readings[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    const sums: Record<string, Record<string, number>> = Object.fromEntries(names.map((name) => [name, {}]));
    if (turns > 1) meter.collect();
    for (let turn = 0; turn < turns; turn++) {
      for (const name of orderOf(names, (round + warmUp) * turns + turn)) {
        await sides[name]!.before?.();
        if (turns === 1) meter.collect();
        addTo(sums[name]!, await runSide(name, sides[name]!, meter), turns);
      }
    }
    if (round >= 0) for (const name of names) taken[name]!.push(sums[name]!);
  }
  return taken;
}

/** Every side comes first, and before and after every other, equally often. */
export function orderOf(names: readonly string[], turn: number): readonly string[] {
  const shift = Math.floor(turn / 2) % names.length;
  const order = [...names.slice(shift), ...names.slice(0, shift)];
  return turn % 2 === 0 ? order : order.reverse();
}

/** What one run took, per operation. */
async function runSide(name: string, side: Side, meter: Meter): Promise<Readings> {
  const cpu = meter.cpu();
  const wall = meter.wall();
  await side.run();
  const measured = { cpu: meter.cpu() - cpu, wall: meter.wall() - wall, ...(await side.readings?.()) };
  const perOperation: Record<string, number> = {};
  for (const [reading, value] of Object.entries(measured)) {
    if (!Number.isFinite(value)) throw new Error(`${name}: its reading ${reading} is ${value}`);
    perOperation[reading] = value / side.count;
  }
  return perOperation;
}

function addTo(sums: Record<string, number>, readings: Readings, turns: number): void {
  for (const [reading, value] of Object.entries(readings)) sums[reading] = (sums[reading] ?? 0) + value / turns;
}

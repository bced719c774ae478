import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './figure.ts';

/** Every bench in `figures/`, by name. */
export async function loadBenches(): Promise<readonly Bench[]> {
  const folder = join(import.meta.dirname, 'figures');
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
  return await Promise.all(
    names.map(async (name) => {
      const { default: bench } = (await import(`./figures/${name}.ts`)) as { default: Bench };
      if (bench.name !== name) throw new Error(`figures/${name}.ts calls its bench ${bench.name}`);
      return bench;
    }),
  );
}

/** The benches with the figures that were asked for, by their names or their bench's; all when none was. */
export function selectBenches(benches: readonly Bench[], names: readonly string[]): readonly Bench[] {
  if (names.length === 0) return benches;
  const known = benches.flatMap(({ name, figures }) => [name, ...figures.map((figure) => figure.name)]);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`there is no figure ${unknown}; there are ${[...new Set(known)].join(', ')}`);
  }
  return benches
    .map((bench) => ({
      ...bench,
      figures: bench.figures.filter(({ name }) => names.includes(name) || names.includes(bench.name)),
    }))
    .filter(({ figures }) => figures.length > 0);
}

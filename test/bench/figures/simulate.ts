import { importBundled } from '../../simulation/import-bundled.ts';
import type * as simulation from '../../simulation/runs.ts';
import { defineBench } from '../figure.ts';

/** In one round. Each round goes on with other seeds, and only the first few compile much. */
const SEEDS = 50;

/** How many seeded runs of the feed under faults a core makes: what `npm run simulate` tells as runs a minute of CPU. */
export default defineBench({
  name: 'simulate',
  rounds: 5,
  figures: [
    {
      name: 'simulate-rate',
      what: 'runs of the simulation per minute of CPU, compiling and collecting garbage counted, one process',
      formula: { kind: 'reading', of: 'runs', by: 'perCpuMinute', unit: 'a minute' },
      budget: { atLeast: 2000 },
    },
  ],
  async prepare() {
    const { loadCode, SMALL_LIMITS, simulate, tuneForRuns } =
      await importBundled<typeof simulation>('test/simulation/runs.ts');
    tuneForRuns();
    const code = await loadCode(SMALL_LIMITS);
    let seed = 0;
    let perCpuMinute = 0;
    return {
      sides: {
        runs: {
          count: 1,
          async run() {
            const before = process.cpuUsage();
            for (let i = 0; i < SEEDS; i++) {
              const { violations } = await simulate(++seed, code);
              if (violations.length > 0) throw new Error(`seed ${seed} fails: ${violations[0]}`);
            }
            const { user, system } = process.cpuUsage(before);
            perCpuMinute = (SEEDS * 60e6) / (user + system);
          },
          readings: () => ({ perCpuMinute }),
        },
      },
    };
  },
});

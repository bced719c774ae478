import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { defineBench } from '../figure.ts';

/** As many as CI runs. Only the first two hundred or so compile much. */
const SEEDS = 1000;

/** How many seeded runs of the feed under faults a core makes: what `npm run simulate` tells as runs a minute of CPU. */
export default defineBench({
  name: 'simulate',
  rounds: 3,
  warmUp: 0,
  figures: [
    {
      name: 'simulate-rate',
      what: 'runs of the simulation per minute of CPU, compiling and collecting garbage counted, 1,000 seeds in one process',
      formula: { kind: 'reading', of: 'runs', by: 'perCpuMinute', unit: 'a minute' },
      budget: { atLeast: 2000 },
    },
    {
      name: 'simulate-rate-clock',
      what: 'the same by the clock, with the second core for collecting and compiling',
      formula: { kind: 'reading', of: 'runs', by: 'perMinute', unit: 'a minute' },
    },
  ],
  async prepare() {
    let told: Readonly<Record<string, number>> = {};
    return {
      sides: {
        runs: {
          count: 1,
          async run() {
            // It fails with a seed that fails.
            const { stdout } = await promisify(execFile)('npm', [
              'run',
              '-s',
              'simulate',
              '--',
              `--seeds=${SEEDS}`,
              '--json',
            ]);
            told = JSON.parse(stdout);
          },
          readings: () => ({ perCpuMinute: told.perCpuMinute!, perMinute: told.perMinute! }),
        },
      },
    };
  },
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineBench } from '../figure.ts';
import { writeHistory } from '../replay-history.ts';
import { buildReplayer, foldOneSlice, type ReplayOf, runReplay, type Taken } from '../run-replay.ts';

const VERSIONS = 25;

/** Whole rebuilds, plan to promoted, by the real verbs, over an archive in a folder and tables in the process. */
export default defineBench({
  name: 'replay-whole',
  rounds: 1,
  warmUp: 0,
  figures: [
    {
      name: 'replay-whole',
      what: 'a whole rebuild of 5,000,000 events of 200,000 aggregates, plan to promoted, ÷ its folds alone, wall, whole events',
      formula: { kind: 'reading', of: 'five', by: 'overFold', unit: 'times' },
      budget: { atMost: 1.5 },
    },
    {
      name: 'replay-whole-cpu',
      what: 'the same by CPU',
      formula: { kind: 'reading', of: 'five', by: 'cpuOverFold', unit: 'times' },
    },
    {
      name: 'replay-whole-fields',
      what: 'the same, wall, by a projection that declares its fields, 500,000 events: its folds take less, its heads as much',
      formula: { kind: 'reading', of: 'fields', by: 'overFold', unit: 'times' },
    },
    {
      name: 'replay-tenfold',
      what: 'start to promoted of 5,000,000 events ÷ of 500,000, wall',
      formula: { kind: 'ratio', of: 'five', to: 'half', by: 'wall' },
      budget: { atMost: 11 },
    },
    {
      name: 'replay-workers',
      what: 'CPU of a rebuild of 1,000,000 events by two workers together ÷ by one',
      formula: { kind: 'ratio', of: 'two', to: 'one', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
    {
      name: 'replay-workers-wall',
      what: 'the same, wall: half of it where each has a core of its own',
      formula: { kind: 'ratio', of: 'two', to: 'one', by: 'wall' },
    },
    {
      name: 'replay-serial',
      what: 'what only one worker can do (plan, join, the sums, the promotion), of its CPU, in %',
      formula: { kind: 'reading', of: 'one', by: 'serial', unit: '%' },
      budget: { atMost: 10 },
    },
    {
      name: 'replay-requests',
      what: 'requests to the events table per aggregate, without the one that reads a tail: heads, lists, the sample that verifies',
      formula: { kind: 'reading', of: 'five', by: 'requests', unit: 'per aggregate' },
      budget: { atMost: 1.01 },
    },
    {
      name: 'replay-heads',
      what: 'head queries of them',
      formula: { kind: 'reading', of: 'five', by: 'heads', unit: 'per aggregate' },
      budget: { atMost: 1 },
    },
    {
      name: 'replay-state-requests',
      what: 'requests to the projections’ table per aggregate: a state written, and read in batches',
      formula: { kind: 'reading', of: 'five', by: 'states', unit: 'per aggregate' },
    },
    {
      name: 'replay-slice-memory',
      what: 'a process that folds one slice of 5,000,000 events of 200,000 aggregates in 16 files, its memory as the machine sees it',
      formula: { kind: 'reading', of: 'slice', by: 'resident', unit: 'MB' },
      budget: { atMost: 512 },
    },
    {
      name: 'replay-slice-memory-growth',
      what: 'the same ÷ of 500,000 events of 20,000 aggregates: flat is 1',
      formula: { kind: 'ratio', of: 'slice', to: 'smallSlice', by: 'resident' },
      budget: { atMost: 1.25 },
    },
  ],
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-replay-bench-'));
    await buildReplayer();
    const written = new Map<number, Promise<void>>();
    const history = (aggregates: number, ledger: ReplayOf['ledger'] = 'whole'): ReplayOf => ({
      ...{ folder: join(folder, String(aggregates)), aggregates, versions: VERSIONS, ledger },
    });
    /** Written by whoever is first, unmeasured. */
    const write = (of: ReplayOf) => {
      const writing = written.get(of.aggregates) ?? writeHistory(of.folder, of);
      written.set(of.aggregates, writing);
      return writing;
    };
    const whole = (of: ReplayOf, workers: 1 | 2 = 1) => {
      let taken: Taken;
      return {
        count: 1,
        before: () => write(of),
        async run() {
          taken = await runReplay(of, workers);
        },
        readings: () => taken,
      };
    };
    const slice = (of: ReplayOf) => {
      let resident = 0;
      return {
        count: 1,
        before: () => write(of),
        async run() {
          resident = await foldOneSlice(of);
        },
        readings: () => ({ resident }),
      };
    };
    return {
      sides: {
        half: whole(history(20_000)),
        fields: whole(history(20_000, 'fields')),
        one: whole(history(40_000)),
        two: whole(history(40_000), 2),
        five: whole(history(200_000)),
        smallSlice: slice(history(20_000)),
        slice: slice(history(200_000)),
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});

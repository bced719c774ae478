import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineBench } from '../figure.ts';
import { writeHistory } from '../replay-history.ts';
import { buildReplayer, type ReplayOf, runReplay, type Taken } from '../run-replay.ts';

const EVENTS = 10_000_000;
const AGGREGATES = 40_000;

/** One rebuild of many events, plan to promoted, each counted once: that it comes through, and in which time. */
export default defineBench({
  name: 'replay-ten-million',
  rounds: 1,
  warmUp: 0,
  figures: [
    {
      name: 'replay-ten-million',
      what: 'events a second of a whole rebuild of 10,000,000 of 40,000 aggregates by declared fields, plan to promoted, wall, one worker',
      formula: { kind: 'reading', of: 'ten', by: 'rate', unit: 'events/s' },
    },
    {
      name: 'replay-ten-million-memory',
      what: 'the worker’s memory at its most, the states of the embedded DynamoDB in it',
      formula: { kind: 'reading', of: 'ten', by: 'resident', unit: 'MB' },
    },
  ],
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-replay-bench-'));
    const history: ReplayOf = { folder, aggregates: AGGREGATES, versions: EVENTS / AGGREGATES, ledger: 'fields' };
    await buildReplayer();
    await writeHistory(folder, history);
    let taken: Taken;
    return {
      sides: {
        ten: {
          count: 1,
          async run() {
            taken = await runReplay(history, 1);
          },
          readings: () => ({ ...taken, rate: EVENTS / (taken.wall / 1e9) }),
        },
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});

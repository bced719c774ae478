import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { benchRows } from '../archive-events.ts';
import { buildChild } from '../build-child.ts';
import { defineBench, type Readings } from '../figure.ts';

const EVENTS = 10_000_000;
const AGGREGATES = 200_000;
/** Files for each bucket. */
const FILES = 4;

/** What comparing the archive with the table takes of memory: keys of both sides are on disk. */
export default defineBench({
  name: 'verify-memory',
  rounds: 1,
  warmUp: 0,
  figures: [
    {
      name: 'verify-memory',
      what: 'the process’s whole memory, as the machine sees it, at the peak of comparing 10,000,000 events of 200,000 aggregates',
      formula: { kind: 'reading', of: 'daybook', by: 'resident', unit: 'MB' },
      budget: { atMost: 256 },
    },
    {
      name: 'verify-rate',
      what: 'events compared a second, table and archive read from this machine',
      formula: { kind: 'reading', of: 'daybook', by: 'rate', unit: 'events/s' },
    },
  ],
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-verify-bench-'));
    const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '1GB' });
    const connection = await instance.connect();
    for (let bucket = 0; bucket < 16; bucket++) {
      const name = bucket.toString(16);
      const at = join(folder, `archive/events/day=2026-01-02/bucket=${name}`);
      mkdirSync(at, { recursive: true });
      for (let i = 0; i < FILES; i++) {
        const from = (EVENTS / FILES) * i;
        await connection.run(`COPY (SELECT * FROM (SELECT ${benchRows(AGGREGATES)} FROM range(${from}, ${from + EVENTS / FILES}) t(n))
          WHERE substr(md5(aggregate_uuid), 1, 1) = '${name}') TO '${join(at, `${i}.parquet`)}' (FORMAT parquet)`);
      }
    }
    connection.closeSync();
    instance.closeSync();
    const outfile = await buildChild('verifier');
    let taken: Readings = {};
    return {
      sides: {
        daybook: {
          count: 1,
          async run() {
            const began = performance.now();
            const told = await verifyIn(outfile, [
              join(folder, 'archive'),
              join(folder, 'work'),
              String(EVENTS),
              String(AGGREGATES),
            ]);
            assert.deepEqual([told.events, told.archived, told.complete], [EVENTS, EVENTS, true]);
            taken = { resident: told.resident / 1e6, rate: EVENTS / ((performance.now() - began) / 1000) };
          },
          readings: () => taken,
        },
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});

interface Told {
  readonly resident: number;
  readonly events: number;
  readonly archived: number;
  readonly complete: boolean;
}

async function verifyIn(script: string, args: string[]): Promise<Told> {
  return await new Promise((done, fail) => {
    const child = fork(script, args);
    let told: Told | undefined;
    child.on('message', (message) => {
      told = message as Told;
    });
    child.on('error', fail);
    child.on('close', (code) => (told === undefined ? fail(new Error(`verify ended with ${code}`)) : done(told)));
  });
}

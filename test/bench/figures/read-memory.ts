import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildChild } from '../build-child.ts';
import { defineBench, type Readings } from '../figure.ts';
import { AGGREGATE, itemOf, storedTransfer } from '../ledger.ts';

const EVENTS = 1_000_000;
/** About 1 MB of such items, which is what a Query reads at a time. */
const PAGE = 2_000;

/** What a reader's memory grows by, page after page of the longest history that one has: it must not add up. */
export default defineBench({
  name: 'read-memory',
  rounds: 5,
  warmUp: 0,
  figures: [
    {
      name: 'read-memory',
      what: 'the process’s memory above the start, as the machine sees it, at the peak of reading 1,000,000 events of one aggregate',
      formula: { kind: 'reading', of: 'daybook', by: 'resident', unit: 'MB' },
      budget: { atMost: 64 },
    },
    {
      name: 'read-memory-growth',
      what: 'heap and buffers: the peak of the second half above that of the first; flat is about 0',
      formula: { kind: 'reading', of: 'daybook', by: 'growth', unit: 'MB' },
      budget: { atMost: 16 },
    },
    {
      name: 'read-memory-held',
      what: 'heap and buffers above the start, garbage too, at the peak of the same',
      formula: { kind: 'reading', of: 'daybook', by: 'held', unit: 'MB' },
    },
  ],
  async prepare() {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { Limit, ExclusiveStartKey } = JSON.parse(Buffer.concat(chunks).toString()) as Query;
        const page = Buffer.from(pageAfter(Number(ExclusiveStartKey?.Version.N ?? 0), Math.min(Limit ?? PAGE, PAGE)));
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': page.length });
        response.end(page);
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const outfile = await buildChild('reader');
    let taken: Readings = {};
    return {
      sides: {
        daybook: {
          count: 1,
          async run() {
            const { count, held, growth, resident } = await readIn(outfile, [endpoint, String(EVENTS)]);
            assert.equal(count, EVENTS);
            taken = { held: held / 1e6, growth: growth / 1e6, resident: resident / 1e6 };
          },
          readings: () => taken,
        },
      },
      close: () => server.close(),
    };
  },
});

interface Told {
  readonly count: number;
  readonly held: number;
  readonly growth: number;
  readonly resident: number;
}

interface Query {
  readonly Limit?: number;
  readonly ExclusiveStartKey?: { readonly Version: { readonly N: string } };
}

const [before, after] = JSON.stringify(itemOf(storedTransfer(777_777))).split('"777777"') as [string, string];

function pageAfter(version: number, limit: number): string {
  const last = Math.min(version + limit, EVENTS);
  const items: string[] = [];
  for (let next = version + 1; next <= last; next++) items.push(`${before}"${next}"${after}`);
  const key = `{"AggregateUuid":{"S":"${AGGREGATE}"},"Version":{"N":"${last}"}}`;
  const more = last < EVENTS ? `,"LastEvaluatedKey":${key}` : '';
  return `{"Count":${items.length},"ScannedCount":${items.length},"Items":[${items.join(',')}]${more}}`;
}

async function readIn(script: string, args: string[]): Promise<Told> {
  return await new Promise((done, fail) => {
    const child = fork(script, args, { execArgv: ['--expose-gc'] });
    let told: Told | undefined;
    child.on('message', (message) => {
      told = message as Told;
    });
    child.on('error', fail);
    child.on('close', (code) => (told === undefined ? fail(new Error(`the reader ended with ${code}`)) : done(told)));
  });
}

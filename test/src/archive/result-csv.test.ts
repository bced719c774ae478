import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResultRow } from '../../../src/archive/query-engine.ts';
import { readResultCsv } from '../../../src/archive/result-csv.ts';

/** As Athena writes it: every value in quotes, a null an empty place. */
const fileOf = (rows: readonly ResultRow[]) =>
  rows
    .map((row) => `${row.map((value) => (value === undefined ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`)
    .join('');

/** The bytes in pieces of such sizes, again and again. */
async function* inPieces(text: string, sizes: readonly number[]): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<ResultRow[]> {
  const rows: ResultRow[] = [];
  for await (const batch of readResultCsv(chunks)) rows.push(...batch);
  return rows;
}

const value = fc.option(
  fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '"', '""', '\n', ',', '",\n"', 'é😀')),
  {
    nil: undefined,
  },
);
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((columns) => fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { maxLength: 12 }));
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes that are in use, without garbage: how much of that lies about differs from one Node to the next. */
function held(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('a result file', () => {
  it('comes as it was written, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(table, sizes, async (rows, pieces) => {
        expect(await read(inPieces(fileOf(rows), pieces))).toEqual(rows);
      }),
      { numRuns: 300 },
    );
  });

  it('without its last new line is read too', async () => {
    expect(await read(inPieces('"a",\n"b","c"', [3]))).toEqual([
      ['a', undefined],
      ['b', 'c'],
    ]);
  });

  it('that is none is refused', async () => {
    await expect(read(inPieces('"a"b\n', [9]))).rejects.toThrow(/result file has b/);
  });

  it('is not held: what was read is let go', async () => {
    let given = 0;
    let rows = 0;
    async function* endless() {
      const chunk = Buffer.from(fileOf(Array.from({ length: 1000 }, (_, i) => [String(i), 'x'.repeat(50)])));
      for (; given < 2000; given++) yield chunk;
    }
    const before = held();
    let most = 0;
    for await (const batch of readResultCsv(endless())) {
      rows += batch.length;
      if (given % 100 === 0) most = Math.max(most, held() - before);
    }
    expect(rows).toBe(2_000_000);
    expect(most).toBeLessThan(30_000_000); // the file has 120 MB, as strings of rows several times that
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSmallIntegers, readValidity, TextColumn } from '../../../src/archive/column-vectors.ts';
import { readParquet, readSlice } from '../../../src/archive/parquet-reader.ts';
import { decodeStored } from '../../../src/event/decode-event.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { writeParquet } from './parquet-file.ts';
import { deposits } from './stored-events.ts';

describe('readParquet', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "daybook-it's-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = async (options: { types?: string[]; aggregates?: string[] } = {}) => {
    const events: StoredEvent[] = [];
    for await (const run of readParquet({ folder, types: ['MoneyDeposited'], ...options })) events.push(...run);
    return events;
  };

  it('gives each event once, by aggregate and version, whatever the files repeat and however they are ordered', async () => {
    const [a, b] = [deposits('a', 1203), deposits('b', 3)];
    await writeParquet(join(folder, '0.parquet'), [...b, ...a.slice(600)].reverse());
    await writeParquet(join(folder, '1.parquet'), a.slice(0, 700));
    expect(await read()).toEqual([...a, ...b]);
  });

  it('brings text back as it was: quotes, new lines, big numbers, characters beyond ASCII, metadata', async () => {
    const [event] = deposits('ä "quoted" \\ id', 1);
    const odd: StoredEvent = {
      ...event!,
      data: '{"text":"line\\n\\"two\\" 日本 \\u0000","big":123456789012345678901234567890.5}',
      metadata: '{"user":"O\'Neil"}',
      occurredAt: '1999-12-31T23:59:59.999Z',
    };
    await writeParquet(join(folder, '0.parquet'), [odd]);
    expect(await read()).toEqual([odd]);
  });

  it('keeps the mark that a text begins with, short or long: with and without it are two aggregates', async () => {
    const long = 'an-id-of-more-than-twelve-bytes';
    const ids = ['late', `\ufeff${long}`, '\ufefflate'];
    const events = ids
      .flatMap((id) => deposits(id, 2))
      .map((event) => ({
        ...event,
        metadata: event.version === 1 ? '\ufeff"é"' : '\ufeff"more than twelve bytes"',
      }));
    await writeParquet(join(folder, '0.parquet'), events);
    expect(await read()).toEqual(events);
    const sorted: string[] = [];
    for await (const runs of readSlice({ folder, compacted: [join(folder, '0.parquet')], raw: [], types: [] }))
      sorted.push(...runs.map(({ aggregateUuid }) => aggregateUuid));
    expect(sorted).toEqual(ids);
  });

  it('reads many compacted files side by side, of each of which DuckDB holds a row group', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const compacted = Array.from({ length: 4 }, (_, i) => join(folder, `${i}.parquet`));
    for (const [i, path] of compacted.entries())
      await connection.run(`COPY (
        SELECT printf('a%05d', n) AS aggregate_uuid, 'Account' AS aggregate_type, ${i + 1}::BIGINT AS version, 'MoneyDeposited' AS type,
          1 AS schema_version, 'c' AS commit_id, version AS commit_first, version AS commit_last,
          TIMESTAMP_MS '2026-01-01 00:00:00' AS recorded_at, recorded_at AS occurred_at,
          '"' || repeat(md5(n::VARCHAR), 8) || '"' AS data, NULL::VARCHAR AS metadata FROM range(20480) AS numbers(n))
        TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`);
    connection.closeSync();
    instance.closeSync();
    let [events, unordered, last] = [0, 0, ''];
    const options = { folder, compacted, raw: [], types: ['MoneyDeposited'], memoryLimit: 24 };
    for await (const runs of readSlice(options)) {
      for (const { aggregateUuid, start, end, rows } of runs) {
        for (let row = start; row < end; row++) {
          const place = `${aggregateUuid} ${String(rows.version(row)).padStart(2, '0')}`;
          if (place <= last) unordered++;
          last = place;
          events++;
        }
      }
    }
    expect([events, unordered, last]).toEqual([4 * 20_480, 0, 'a20479 04']);
  });

  it('leaves out the data of types that nobody asked for, and other aggregates', async () => {
    await writeParquet(join(folder, '0.parquet'), [...deposits('a', 2), ...deposits('b', 2)]);
    const events = await read({ types: ['AccountOpened'], aggregates: ['b'] });
    expect(events.map(({ aggregateUuid, version, data }) => [aggregateUuid, version, data])).toEqual([
      ['b', 1, 'null'],
      ['b', 2, 'null'],
    ]);
  });

  it('sorts more than it may hold in several passes, a long history over the border of two', async () => {
    const [a, b, c] = [deposits('a', 150), deposits('b', 10), deposits('c', 60)];
    await writeParquet(join(folder, '0.parquet'), [...c, ...b, ...a.slice(60)].reverse());
    await writeParquet(join(folder, '1.parquet'), [...a.slice(0, 90), ...b]);
    const events: StoredEvent[] = [];
    const options = { folder, types: ['MoneyDeposited'], sortLimit: 0.002 };
    for await (const run of readParquet(options)) events.push(...run);
    expect(events).toEqual([...a, ...b, ...c]);
  });

  it('reads what holds the very character that texts are joined with', async () => {
    const events = deposits('a', 20).map((event, i) => (i === 7 ? { ...event, commitId: 'a\u001fb' } : event));
    await writeParquet(join(folder, '0.parquet'), events);
    expect(await read()).toEqual(events);
  });

  it('sees of texts that are read together those that are JSON, and leaves the others as they are stored', async () => {
    const read = async (path: string) => {
      const options = { folder, compacted: [path], raw: [], types: ['MoneyDeposited'], schemaVersions: [1] };
      const found: unknown[] = [];
      for await (const runs of readSlice(options))
        for (const run of runs)
          for (let row = run.start; row < run.end; row++) {
            const [seen, stored] = [run.rows.seen(run, row), run.rows.stored(run, row)!];
            expect(stored).toEqual(events[row]);
            if (seen !== undefined) expect(seen).toEqual(decodeStored(stored));
            found.push(seen?.data);
          }
      return found;
    };
    let events: StoredEvent[];
    const write = async (name: string, texts: readonly string[], of: Partial<StoredEvent> = {}) => {
      events = deposits('a', texts.length).map((event, i) => ({ ...event, ...of, data: texts[i]! }));
      await writeParquet(join(folder, name), events);
      return join(folder, name);
    };
    const good = ['1', ' "ä" ', '[]', '{"a":[1e400,-0,12345678901234567890]}', 'null'];
    expect(await read(await write('good', good))).toEqual(good.map((text) => JSON.parse(text)));
    expect(await read(await write('newer', good, { schemaVersion: 2 }))).toEqual(good.map(() => undefined));
    expect(await read(await write('metadata', good, { metadata: '{"a":"ä"}' }))).toEqual(
      good.map((text) => JSON.parse(text)),
    );
    expect(await read(await write('badly', good, { metadata: '{' }))).toEqual(good.map(() => undefined));
    // Each lot would be as many values as texts, or one array, if it were only joined.
    for (const bad of [
      ['{'],
      [''],
      ['1],[2'],
      ['[1', '2]', '3,4'],
      ['"a', 'b"', '3,4'],
      ['1,2', ''],
      ['', '1,2'],
      ['[1', '2]'],
    ])
      expect(await read(await write('bad', [...good, ...bad]))).toEqual([...good, ...bad].map(() => undefined));
  });

  it('is given copies of what DuckDB holds: its chunks are given back at once', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const sql = `SELECT n::INTEGER, CASE WHEN n > 0 THEN n END, 'more than twelve bytes' FROM range(3) AS numbers(n)`;
    const chunk = (await (await connection.stream(sql)).fetchChunk())!;
    for (const read of [
      () => readSmallIntegers(chunk, 0),
      () => readValidity(chunk, 1)!,
      () => new TextColumn(chunk, 2).block(0).bytes,
    ]) {
      const before = read().toString();
      read().fill(0);
      expect(read().toString()).toBe(before);
    }
  });

  it.each([
    ['its aggregates', [...deposits('b', 2), ...deposits('a', 2)], 'a comes after b'],
    ['its versions', deposits('a', 3).reverse(), 'a comes after a'],
  ])('refuses a compacted file that is not in the order of %s', async (_, events, message) => {
    const path = join(folder, '0.parquet');
    await writeParquet(path, events);
    const reading = async () => {
      for await (const _runs of readSlice({ folder, compacted: [path], raw: [], types: [] }));
    };
    await expect(reading()).rejects.toThrow(message);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readParquet } from '../../../src/archive/parquet-reader.ts';
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

  it('leaves out the data of types that nobody asked for, and other aggregates', async () => {
    await writeParquet(join(folder, '0.parquet'), [...deposits('a', 2), ...deposits('b', 2)]);
    const events = await read({ types: ['AccountOpened'], aggregates: ['b'] });
    expect(events.map(({ aggregateUuid, version, data }) => [aggregateUuid, version, data])).toEqual([
      ['b', 1, 'null'],
      ['b', 2, 'null'],
    ]);
  });
});

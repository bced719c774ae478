import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ColdStorage, openColdStorage } from './cold-storage.ts';

let cold: ColdStorage;
const COLUMNS = { id: 'string', version: 'bigint' };
const list = (generation: string, bucket: string, ...names: string[]) =>
  cold.call('s3', 'PutObject', {
    Bucket: 'cold',
    Key: `compacted/generations/${generation}/bucket=${bucket}/files.txt`,
    Body: Buffer.from(names.map((name) => `s3://cold/compacted/files/${name}\n`).join('')),
  });

beforeAll(async () => {
  cold = await openColdStorage();
  await cold.createTable('events_compacted', COLUMNS, {
    Parameters: {
      'projection.enabled': 'true',
      'projection.generation.type': 'injected',
      'projection.bucket.type': 'enum',
      'projection.bucket.values': '0,1,2',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Athena's own placeholders
      'storage.location.template': 's3://cold/compacted/generations/${generation}/bucket=${bucket}/',
    },
    PartitionKeys: ['generation', 'bucket'].map((Name) => ({ Name, Type: 'string' })),
    StorageDescriptor: { InputFormat: 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat' },
  });
  const put = (name: string, ids: string[]) =>
    cold.putParquet(
      `compacted/files/${name}`,
      COLUMNS,
      ids.map((id, i) => ({ id, version: i + 1 })),
    );
  await put('shared.parquet', ['a', 'b']);
  await put('old.parquet', ['c']);
  await put('new.parquet', ['c', 'd']);
  await list('g1', '0', 'shared.parquet');
  await list('g1', '1', 'old.parquet');
  await list('g2', '0', 'shared.parquet');
  await list('g2', '1', 'new.parquet');
  await list('g2', '9', 'old.parquet'); // outside the projected values
});
afterAll(() => cold.close());

const rows = (sql: string) => cold.rows(sql);

it('reads the files that the lists of a generation name, with the partition of the list', async () => {
  const of = (generation: string) =>
    rows(`SELECT id, generation, bucket FROM events_compacted WHERE generation = '${generation}' ORDER BY id`);
  expect(await of('g1')).toEqual([
    ['a', 'g1', '0'],
    ['b', 'g1', '0'],
    ['c', 'g1', '1'],
  ]);
  expect(await of('g2')).toEqual([
    ['a', 'g2', '0'],
    ['b', 'g2', '0'],
    ['c', 'g2', '1'],
    ['d', 'g2', '1'],
  ]);
  expect(await of('none')).toEqual([]);
});

it('reads a bucket only of what is asked for', async () => {
  const scanned = async (where: string) =>
    (await cold.execute(`SELECT id FROM events_compacted WHERE generation = 'g2' ${where}`)).Statistics
      .DataScannedInBytes;
  const all = await scanned('');
  const one = await scanned("AND bucket = '1'");
  expect(one).toBeGreaterThan(0);
  expect(one).toBeLessThan(all);
  expect(await scanned("AND bucket = '2'")).toBe(0);
});

it('an injected key needs its condition', async () => {
  expect(await cold.failure('SELECT count(*) FROM events_compacted')).toMatch(
    /^CONSTRAINT_VIOLATION: For the injected projected partition column generation/,
  );
});

it('a file that a list names and that is gone fails the queries that read that list, and no other', async () => {
  await list('g3', '1', 'shared.parquet', 'gone.parquet');
  expect(await cold.failure("SELECT id FROM events_compacted WHERE generation = 'g3'")).toMatch(/gone\.parquet/);
  expect(await rows("SELECT count(*) FROM events_compacted WHERE generation = 'g1'")).toEqual([['3']]);
});

it('says where a row lies', async () => {
  expect(await rows(`SELECT DISTINCT "$path" FROM events_compacted WHERE generation = 'g1' AND bucket = '1'`)).toEqual([
    ['s3://cold/compacted/files/old.parquet'],
  ]);
});

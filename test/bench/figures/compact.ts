import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { eventsView } from '../../../src/archive/archive-views.ts';
import { COMPACTED_FORMAT, compactBucket } from '../../../src/archive/compact-bucket.ts';
import { currentViewSql } from '../../../src/archive/current-view.ts';
import { type CompactedFile, keysKey } from '../../../src/archive/generation.ts';
import { BANK_BUCKET, BANK_COLUMNS, runSql, writeBankYear } from '../bank-year.ts';
import { buildChild } from '../build-child.ts';
import { defineBench, type Readings } from '../figure.ts';
import { folderFiles } from '../folder-files.ts';

/** One bucket of sixteen, of an archive of ten million events. */
const EVENTS = 625_000;
const BUCKETS = 16;

/** What a compaction makes of a bank's year, how fast, and what queries of it read. */
export default defineBench({
  name: 'compact',
  rounds: 5,
  warmUp: 0,
  figures: [
    {
      name: 'compact-bytes',
      what: 'bytes per event of a compacted bank year, text only ÷ the same rows in the order of arrival, both zstd',
      formula: { kind: 'reading', of: 'text', by: 'bytes', unit: 'ratio' },
      budget: { atMost: 0.9 },
    },
    {
      name: 'compact-bytes-typed',
      what: 'the same with the declared fields as typed columns beside the text',
      formula: { kind: 'reading', of: 'typed', by: 'bytes', unit: 'ratio' },
    },
    {
      name: 'compact-rate',
      what: 'compaction, text only: merge, deduplicate, sort, write, read back, compare; events per second of CPU',
      formula: { kind: 'rate', of: 'text', by: 'cpu' },
      budget: { atLeast: 300_000 },
    },
    {
      name: 'compact-rate-typed',
      what: 'the same with typed columns',
      formula: { kind: 'rate', of: 'typed', by: 'cpu' },
    },
    {
      name: 'compact-copy',
      what: 'compaction, text only ÷ a bare COPY of the same rows, sorted, with the same settings; CPU',
      formula: { kind: 'ratio', of: 'text', to: 'copy', by: 'cpu' },
    },
    {
      name: 'compact-memory',
      what: 'memory of a process that compacts a day of 2,500,000 events of a bucket ÷ one of 625,000 (DuckDB has 256 MB): flat is 1',
      formula: { kind: 'reading', of: 'memory', by: 'growth', unit: 'ratio' },
      budget: { atMost: 1.25 },
    },
    {
      name: 'compact-history',
      what: 'bytes that the history of one aggregate reads of 10 M compacted events, footers too ÷ all bytes, in percent',
      formula: { kind: 'reading', of: 'text', by: 'history', unit: '%' },
      budget: { atMost: 2 },
    },
    {
      name: 'compact-per-day',
      what: 'events per day and type over 10 M compacted events ÷ the same query on one hand-made sorted file, wall',
      formula: { kind: 'ratio', of: 'perDay', to: 'perDayByHand', by: 'wall' },
      budget: { atMost: 1.3 },
    },
    {
      name: 'compact-per-day-view',
      what: 'the same through the view events, with raw files of the last day that are compacted already ÷ that file, wall',
      formula: { kind: 'ratio', of: 'perDayView', to: 'perDayByHand', by: 'wall' },
      budget: { atMost: 1.3 },
    },
  ],
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-compact-'));
    const files = folderFiles(folder);
    const slice = async (name: string, paths: readonly string[]) => {
      const raw = paths.map((path) => ({ key: relative(folder, path), bytes: statSync(path).size, etag: 'e' }));
      await files.writeText(`${name}.json`, JSON.stringify({ raw, old: [] }));
      return { bucket: BANK_BUCKET, list: `${name}.json` };
    };
    const paths = await writeBankYear(folder, EVENTS);
    const year = await slice('year', paths);
    const arrival = statSync(join(folder, 'arrival.parquet')).size;
    const compact = async (columns: typeof BANK_COLUMNS): Promise<readonly CompactedFile[]> => {
      const generation = columns.length === 0 ? 'text' : 'typed';
      const made = await compactBucket(files, { generation }, year, { columns, memoryLimit: 1024, threads: 1 });
      return made.files;
    };
    const bytesOf = (made: readonly CompactedFile[]) => made.reduce((sum, file) => sum + file.bytes, 0);

    let text = await compact([]);
    let typed = text;
    const at = (made: readonly CompactedFile[]) => made.map(({ key }) => join(folder, key));
    // Sixteen buckets of the same size: the files of one, each under sixteen names, and by hand one file of them all.
    mkdirSync(join(folder, 'all'));
    const links = (of: readonly string[], name: string) =>
      Array.from({ length: BUCKETS }, (_, b) =>
        of.map((path, i) => {
          const link = join(folder, 'all', `${name}${b}-${i}.parquet`);
          symlinkSync(path, link);
          return link;
        }),
      );
    const ofBucket = links(at(text), '');
    const all = ofBucket.flat();
    const keysOfBucket = links(
      text.map(({ key }) => join(folder, keysKey(key))),
      'keys-',
    );
    const kept = text; // what the links point to
    const list = (of: readonly string[]) => `read_parquet([${of.map((path) => `'${path}'`).join(', ')}])`;
    const byHand = join(folder, 'by-hand.parquet');
    const sorted = join(folder, 'sorted.parquet');
    const copy = () =>
      runSql(
        `COPY (SELECT * FROM ${list(paths)} ORDER BY aggregate_uuid, version) TO '${sorted}' (${COMPACTED_FORMAT})`,
      );
    await copy();
    // Of the columns that say the order and that the query reads: the others would only take disk.
    const sixteen = Array.from(
      { length: BUCKETS },
      () => `SELECT aggregate_uuid, version, type, occurred_at FROM ${list([sorted])}`,
    ).join(' UNION ALL ');
    await runSql(`COPY (${sixteen}) TO '${byHand}' (FORMAT parquet, COMPRESSION zstd)`);
    const [{ history } = {}] = await runSql(historyShare(at(kept)));

    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const perDay = async (from: string) => {
      const sql = `SELECT occurred_at::DATE AS day, type, count(*) AS events FROM ${from} GROUP BY ALL ORDER BY ALL`;
      return (await connection.runAndReadAll(sql)).getRowsJson();
    };
    // The view of the stack over the same files, and over raw ones: the last day's, which are compacted already and not deleted yet.
    const inBuckets = (of: (b: number) => string) =>
      Array.from({ length: BUCKETS }, (_, b) => `SELECT *, '${b.toString(16)}' AS bucket FROM ${of(b)}`).join(
        ' UNION ALL ',
      );
    const inGeneration = (of: readonly (readonly string[])[]) =>
      `SELECT *, 'text' AS generation FROM (${inBuckets((b) => list(of[b]!))})`;
    const lastDay = join(folder, 'last-day.parquet');
    const ofLastDay = `(SELECT * EXCLUDE (day, bucket), '2026-12-31' AS day FROM ${list(paths)} WHERE recorded_at >= '2026-12-31')`;
    await runSql(`COPY (${inBuckets(() => ofLastDay)}) TO '${lastDay}' (FORMAT parquet, COMPRESSION snappy)`);
    await connection.run(`CREATE VIEW events_raw AS SELECT * FROM ${list([lastDay])}`);
    await connection.run(`CREATE VIEW events_compacted AS ${inGeneration(ofBucket)}`);
    await connection.run(`CREATE VIEW compacted_keys AS ${inGeneration(keysOfBucket)}`);
    const row = JSON.parse(readFileSync(resolve('schemas/archive-row.json'), 'utf8'));
    const names = [...Object.keys(row.properties), 'day', 'bucket'];
    await connection.run(`CREATE VIEW events_current AS ${currentViewSql(names, 'text')}`);
    const columns = names.map((name) => ({ name, type: '', comment: '' }));
    await connection.run(`CREATE VIEW events AS ${eventsView(columns).sql}`);
    const [ours, theirs, seen] = [await perDay(list(all)), await perDay(list([byHand])), await perDay('events')];
    if (JSON.stringify(ours) !== JSON.stringify(theirs) || JSON.stringify(ours) !== JSON.stringify(seen))
      throw new Error('they do not answer the same');

    const child = await buildChild('compactor');
    // One year and so one file, so that everything is merged at once: what grows is what has to stay flat.
    const day = async (name: string, events: number) => {
      const path = join(folder, `events/day=2026-01-02/bucket=${BANK_BUCKET}/${name}.parquet`);
      mkdirSync(join(path, '..'), { recursive: true });
      const copies = Array.from(
        { length: events / EVENTS },
        (_, i) => `SELECT * REPLACE (version + ${i * 10_000} AS version) FROM ${list(paths)}`,
      );
      await runSql(`COPY (${copies.join(' UNION ALL ')}) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`);
      return (await slice(name, [path])).list;
    };
    const days = [await day('large', 4 * EVENTS), await day('small', EVENTS)] as const;
    const resident = async (day: string): Promise<number> => {
      const process = fork(child, [folder, day]);
      // A process that fails says nothing: it must not be waited for.
      const [said] = await Promise.race([once(process, 'message'), once(process, 'exit')]);
      if (typeof said !== 'object' || said === null) throw new Error(`the process that compacts ended with ${said}`);
      return (said as { resident: number }).resident;
    };
    let growth = 0;
    return {
      sides: {
        text: {
          count: EVENTS,
          async run() {
            text = await compact([]);
          },
          readings: (): Readings => ({ bytes: (bytesOf(text) / arrival) * EVENTS, history: Number(history) * EVENTS }),
        },
        typed: {
          count: EVENTS,
          async run() {
            typed = await compact(BANK_COLUMNS);
          },
          readings: (): Readings => ({ bytes: (bytesOf(typed) / arrival) * EVENTS }),
        },
        copy: { count: EVENTS, run: copy },
        memory: {
          count: 1,
          async run() {
            growth = (await resident(days[0])) / (await resident(days[1]));
          },
          readings: (): Readings => ({ growth }),
        },
        perDay: { count: 1, run: () => perDay(list(all)) },
        perDayView: { count: 1, run: () => perDay('events') },
        perDayByHand: { count: 1, run: () => perDay(list([byHand])) },
      },
      close() {
        connection.closeSync();
        instance.closeSync();
        rmSync(folder, { recursive: true });
      },
    };
  },
});

/** The row groups whose statistics admit an aggregate, all columns of them and every footer; of 50 aggregates the mean. */
function historyShare(paths: readonly string[]): string {
  const list = `[${paths.map((path) => `'${path}'`).join(', ')}]`;
  return `
    WITH chunk AS (SELECT * FROM parquet_metadata(${list})),
      groups AS (SELECT file_name, row_group_id, sum(total_compressed_size) AS bytes,
        min(stats_min_value) FILTER (path_in_schema = 'aggregate_uuid') AS low,
        max(stats_max_value) FILTER (path_in_schema = 'aggregate_uuid') AS high FROM chunk GROUP BY ALL),
      asked AS (SELECT DISTINCT aggregate_uuid FROM read_parquet(${list}) USING SAMPLE 50 ROWS),
      footers AS (SELECT sum(footer_size) AS bytes FROM parquet_file_metadata(${list}))
    SELECT 100.0 * ((SELECT sum(bytes) FROM groups JOIN asked ON aggregate_uuid BETWEEN low AND high)
        / (SELECT count(*) FROM asked) + (SELECT bytes FROM footers))
      / (${BUCKETS} * (SELECT sum(bytes) FROM groups)) AS history`;
}

import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnreadable } from '../feed/read-run.ts';
import type { EventTable } from '../store/event-table.ts';
import {
  arrivalDay,
  type ColdFile,
  type ColdStorage,
  currentGeneration,
  RAW_FILE,
  RAW_PREFIX,
  rawFiles,
} from './cold-files.ts';
import { statedContent } from './compacted-rows.ts';
import { type Comparison, createComparison, type Totals } from './comparison.ts';
import { sha256Of } from './file-hash.ts';
import { DIFFERENCES, type Finding, weightOf } from './findings.ts';
import {
  FILES_PREFIX,
  filesLists,
  type Generation,
  generationIn,
  KEYS_PREFIX,
  keysKey,
  NO_GENERATION,
} from './generation.ts';
import type { HotEvents } from './hot-events.ts';
import { isNotThere, readIfThere } from './work-files.ts';

export interface VerifyPorts {
  readonly cold: ColdStorage;
  /** The table as a whole: a scan, or an export. */
  readonly hot: HotEvents;
  /** What seems to be in the archive only is looked up once more, for it may have been appended meanwhile. */
  readonly table: Pick<EventTable, 'query'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface VerifyOptions {
  /** Only what was recorded from then on, ISO 8601 with milliseconds, included; default everything. */
  readonly from?: string;
  /** Only what was recorded until then, included; default everything. */
  readonly to?: string;
  /** How long an event may take into the archive before it counts as missing, in milliseconds. @default 30 minutes */
  readonly lagMs?: number;
  /** A folder to work in: it takes the keys of both sides (some 100 bytes an event) and one file of the archive at a time. */
  readonly folder: string;
  /** What DuckDB may hold, in MB. @default 96 */
  readonly memoryLimit?: number;
  /** Told of everything that is found, as it is found. */
  readonly onFinding?: (finding: Finding) => void | Promise<void>;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly doing: 'reading the archive' | 'reading the table' | 'comparing';
  readonly files: number;
  readonly events: number;
  /** In [0, 1], of the comparing. */
  readonly done?: number;
}

export interface VerifyReport {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly from?: string;
  readonly to?: string;
  /** Which instant of the table it is compared with. */
  readonly asOf: string;
  /** Events and aggregates of the table, in the range. */
  readonly events: number;
  readonly aggregates: number;
  /** The current generation of the archive. */
  readonly generation?: string;
  readonly files: number;
  readonly bytes: number;
  /** Distinct events of the archive in the range, and further rows that repeat them. */
  readonly archived: number;
  readonly repeats: number;
  /** Missing, but recorded a moment ago. */
  readonly onTheWay: number;
  /** How many events, rows or files of each kind of finding. */
  readonly found: Readonly<Record<Finding['kind'], number>>;
  /** Is everything of the table in the archive, and nothing else? */
  readonly complete: boolean;
}

/** As long as the alarm of the delivery streams waits. */
export const LAG_MS = 30 * 60_000;
/** A scan begun so long after an append shows it. */
const MEANWHILE_MS = 10 * 60_000;

/**
 * Compares the archive with the events table, event by event. The archive is listed first, so that what stands in it was in
 * the table before the table is read; then once more, for what arrived or was compacted meanwhile.
 */
export async function verify(ports: VerifyPorts, options: VerifyOptions): Promise<VerifyReport> {
  const { now } = ports;
  const { from, to, lagMs = LAG_MS, folder, memoryLimit, onFinding = () => {}, onProgress = () => {} } = options;
  const startedAt = now();
  const found: Record<Finding['kind'], number> = { ...NOTHING_FOUND };
  const tell = async (finding: Finding) => {
    found[finding.kind] += weightOf(finding);
    await onFinding(finding);
  };
  await mkdir(join(folder, 'keys'), { recursive: true });
  const comparison = await createComparison(join(folder, 'keys'), memoryLimit);
  try {
    const archive = createReading(ports.cold, comparison, folder, from, tell, (read) =>
      onProgress({ doing: 'reading the archive', files: read.files, events: read.rows }),
    );
    await archive.read();
    const asOf = ports.hot.asOf ?? now();
    let events = 0;
    for await (const page of ports.hot.pages()) {
      for (const item of page.unreadable) await tell({ kind: 'noEvent', ...item });
      comparison.addHot(page.events);
      events += page.events.length;
      onProgress({ doing: 'reading the table', files: archive.seen().files, events });
    }
    const seen = await archive.read({ last: true });
    const sum = { hotEvents: 0, aggregates: 0, coldRows: 0, coldEvents: 0, onTheWay: 0 };
    const range = {
      from: from === undefined ? 0 : Date.parse(from),
      to: to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(to),
      wayFrom: startedAt - lagMs,
    };
    const findings = comparison.compare(range, (totals: Totals, done) => {
      for (const name of Object.keys(sum) as (keyof Totals)[]) sum[name] += totals[name];
      onProgress({ doing: 'comparing', files: seen.files, events: sum.hotEvents, done });
    });
    for await (const finding of findings) {
      if (finding.kind !== 'extra') await tell(finding);
      else for (const extra of await lookAgain(ports, finding, asOf - MEANWHILE_MS)) await tell(extra);
    }
    return {
      startedAt: new Date(startedAt).toISOString(),
      endedAt: new Date(now()).toISOString(),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      asOf: new Date(asOf).toISOString(),
      events: sum.hotEvents,
      aggregates: sum.aggregates,
      ...(seen.generation !== undefined && { generation: seen.generation }),
      files: seen.files,
      bytes: seen.bytes,
      archived: sum.coldEvents,
      repeats: sum.coldRows - sum.coldEvents,
      onTheWay: sum.onTheWay,
      found,
      complete: [...DIFFERENCES].every((kind) => found[kind] === 0),
    };
  } finally {
    await comparison.close();
  }
}

const NOTHING_FOUND: Readonly<Record<Finding['kind'], number>> = {
  unreadable: 0,
  gone: 0,
  changed: 0,
  repeated: 0,
  stranger: 0,
  misplaced: 0,
  missing: 0,
  extra: 0,
  differing: 0,
  twice: 0,
  hole: 0,
  noEvent: 0,
};

interface Seen {
  files: number;
  bytes: number;
  rows: number;
  generation?: string;
}

/** Reads every file of the archive once, one at a time on the disk, however often it is listed. */
function createReading(
  cold: ColdStorage,
  comparison: Comparison,
  folder: string,
  from: string | undefined,
  tell: (finding: Finding) => Promise<void>,
  onFile: (seen: Seen) => void,
) {
  const { files } = cold;
  const seen: Seen = { files: 0, bytes: 0, rows: 0 };
  const known = new Set<string>();
  const vanished = new Set<string>();
  const byDigest = new Map<string, string>();

  async function take(file: ColdFile): Promise<void> {
    const { key, bytes, compacted } = file;
    const path = join(folder, 'file.parquet');
    try {
      const actual = await files.download(key, path);
      seen.files++;
      seen.bytes += actual;
      if (actual !== bytes) await tell({ kind: 'changed', key, expected: `${bytes} bytes`, actual: `${actual} bytes` });
      const taken = await comparison.addFile(file, path).catch((error: Error) => {
        if (OF_THIS_MACHINE.test(error.message)) throw error;
        return reasonOf(error, path);
      });
      if (typeof taken === 'string') return await tell({ kind: 'unreadable', key, bytes, reason: taken });
      const { rows, misplaced, hash } = taken;
      seen.rows += rows;
      if (compacted !== undefined && compacted.rows !== rows) {
        await tell({ kind: 'changed', key, expected: `${compacted.rows} rows`, actual: `${rows} rows` });
      }
      const stated = compacted && statedContent(comparison.duckdb, compacted);
      if (stated?.rows === rows && stated.hash !== hash) {
        await tell({ kind: 'changed', key, expected: `content ${stated.hash}`, actual: `content ${hash}` });
      } else if (compacted?.sha256 !== undefined && compacted.rows === rows && actual === bytes) {
        // The same events in as many bytes: typed columns are in no content hash.
        const sha256 = await sha256Of(path);
        if (sha256 !== compacted.sha256)
          await tell({ kind: 'changed', key, expected: `SHA-256 ${compacted.sha256}`, actual: `SHA-256 ${sha256}` });
      }
      if (misplaced > 0) await tell({ kind: 'misplaced', key, rows: misplaced });
      if (compacted !== undefined) return; // a raw file that it has taken may hold just the same
      const digest = `${rows}:${hash}`;
      const of = byDigest.get(digest);
      if (of === undefined) byDigest.set(digest, key);
      else if (rows > 0) await tell({ kind: 'repeated', key, of });
    } catch (error) {
      if (isNotThere(error)) vanished.add(key);
      else throw error;
    } finally {
      await rm(path, { force: true });
      onFile(seen);
    }
  }

  async function takeNew(file: ColdFile): Promise<void> {
    if (known.has(file.key)) return;
    known.add(file.key);
    await take(file);
  }

  return {
    seen: () => seen,
    async read({ last = false } = {}): Promise<Seen> {
      const generation = await currentGeneration(cold);
      if (generation.generation !== NO_GENERATION) seen.generation = generation.generation;
      for (const compacted of generation.files) {
        if (from !== undefined && compacted.lastRecordedAt < from) continue;
        await takeNew({ ...compacted, compacted });
      }
      for await (const file of rawFiles(files, from === undefined ? '' : arrivalDay(from))) await takeNew(file);
      if (!last) return seen;
      // Compaction takes raw files away once their rows are in a generation; what the current one names must be there.
      for (const { key, bytes } of generation.files) {
        if (vanished.has(key)) await tell({ kind: 'gone', key, bytes });
      }
      await compareLists(cold, generation, tell);
      await checkKeys(cold, generation, folder, tell);
      await findStrangers(cold, generation, tell);
      return seen;
    },
  };
}

/** What Athena reads of a generation are the files on its lists, two for each bucket: they must name what the manifest names. */
async function compareLists(
  { files }: ColdStorage,
  { generation, files: compacted }: Generation,
  tell: (finding: Finding) => Promise<void>,
): Promise<void> {
  const buckets = [...new Set(compacted.map((file) => file.bucket))];
  for (const { key, names } of buckets.flatMap((bucket) => filesLists(generation, compacted, bucket))) {
    const text = await readIfThere(files, key);
    if (text === undefined) {
      await tell({ kind: 'gone', key, bytes: 0 });
      continue;
    }
    const actual = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^s3:\/\/[^/]+\//, ''));
    const [a, b] = [actual, names].map((keys) => [...keys].sort().join('\n'));
    if (a !== b) await tell({ kind: 'changed', key, expected: names.join(', '), actual: actual.join(', ') });
  }
}

/** The small file beside each compacted one: queries go by it, and without it no later compaction begins. */
async function checkKeys(
  { files }: ColdStorage,
  { files: compacted }: Generation,
  folder: string,
  tell: (finding: Finding) => Promise<void>,
): Promise<void> {
  const path = join(folder, 'keys.parquet');
  for (const { key: of, keysSha256 } of compacted) {
    const key = keysKey(of);
    try {
      const bytes = await files.download(key, path);
      if (!(await endsAsParquet(path, bytes))) {
        await tell({ kind: 'unreadable', key, bytes, reason: 'it does not end as a Parquet file does' });
        continue;
      }
      const sha256 = await sha256Of(path);
      if (keysSha256 !== undefined && sha256 !== keysSha256) {
        await tell({ kind: 'changed', key, expected: `SHA-256 ${keysSha256}`, actual: `SHA-256 ${sha256}` });
      }
    } catch (error) {
      if (!isNotThere(error)) throw error;
      await tell({ kind: 'gone', key, bytes: 0 });
    } finally {
      await rm(path, { force: true });
    }
  }
}

/** What somebody has put beside the archive's files. Files of other generations are no strangers: cleaning deletes them. */
async function findStrangers(
  { files }: ColdStorage,
  { files: compacted }: Generation,
  tell: (finding: Finding) => Promise<void>,
): Promise<void> {
  const named = new Set(compacted.flatMap(({ key }) => [key, keysKey(key)]));
  const isOurs = (key: string) =>
    key.startsWith(RAW_PREFIX) ? RAW_FILE.test(key) : named.has(key) || generationIn(key) !== undefined;
  for (const prefix of [RAW_PREFIX, FILES_PREFIX, KEYS_PREFIX]) {
    for await (const page of files.list(prefix)) {
      for (const { key, bytes } of page) if (!isOurs(key)) await tell({ kind: 'stranger', key, bytes });
    }
  }
}

async function endsAsParquet(path: string, bytes: number): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read({ buffer: Buffer.alloc(4), position: Math.max(0, bytes - 4) });
    return buffer.toString('latin1') === 'PAR1';
  } finally {
    await file.close();
  }
}

/** Which of DuckDB's errors say something of this machine, not of the file. */
const OF_THIS_MACHINE = /^(Out of Memory Error|FATAL Error|INTERRUPT Error)|No space left|Permission denied/;

function reasonOf({ message }: Error, path: string): string {
  const [first = ''] = message.split('\n');
  return first
    .replaceAll(path, 'the file')
    .replace(/^[A-Za-z ]+ Error: /, '')
    .slice(0, 300);
}

type Extra = Extract<Finding, { kind: 'extra' }>;

/** What of it is not in the table now either. */
async function lookAgain({ table }: VerifyPorts, extra: Extra, since: number): Promise<readonly Extra[]> {
  const { aggregate, from, to, latest } = extra;
  if (Date.parse(latest) < since) return [extra];
  const rest: Extra[] = [];
  let next = from;
  const until = (version: number) => {
    if (version > next) rest.push({ ...extra, from: next, to: version - 1 });
    next = version + 1;
  };
  try {
    for await (const page of table.query(aggregate, { from, to, consistent: true })) {
      for (const { version } of page) until(version);
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error; // an item that is no event: what is archived there is extra
  }
  until(to + 1);
  return rest;
}

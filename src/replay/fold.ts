import './errors.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILES_PREFIX, manifestKey } from '../archive/generation.ts';
import { isoTime } from '../archive/iso-time.ts';
import { readSlice } from '../archive/parquet-reader.ts';
import type { Run } from '../archive/runs.ts';
import { FileGone, SparseCopy, type SparseOptions } from '../archive/sparse-copy.ts';
import { typedColumns } from '../archive/typed-columns.ts';
import { isNotThere } from '../archive/work-files.ts';
import { DaybookError } from '../errors.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { GET, WRITE_UNIT } from '../list-prices.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { itemOf, keptValue } from '../projection/project.ts';
import type { ProjectionItem, ProjectionTable } from '../projection/projection-table.ts';
import type { Added, Fold, Runner, SeenEvent } from '../projection/runner.ts';
import type { ArchiveFile, ArchiveFiles } from './archive-files.ts';
import { boundedWork } from './bounded-work.ts';
import type { BuildProgress } from './builds.ts';
import { foldFailed } from './naming-runner.ts';
import type { Plan, Slice } from './plan.ts';
import { countsIn, lastVersion } from './range.ts';
import type { CheckedRange } from './request.ts';
import { readSelection } from './selection.ts';
import { filesByBucket, readPasses, sliceKey, writeSlice } from './slice-files.ts';
import { spendingOf } from './spending.ts';
import { refuseStopped } from './stopped.ts';

export interface FoldPorts {
  readonly files: ArchiveFiles;
  readonly table: ProjectionTable;
  readonly builds: BuildProgress;
}

export interface FoldResult {
  readonly bucket: string;
  /** Aggregates whose state was written. */
  readonly aggregates: number;
  /** Distinct events that the pass's files hold, beyond what the passes before have looked at. */
  readonly events: number;
  /** Events that counted. */
  readonly applied: number;
  /** Events behind a version that the archive does not hold (yet): catching up reads them from the table. */
  readonly behindHole: number;
  /** As it is now: another one when it was listed again. */
  readonly slice: Slice;
  /** The pass that comes next; absent after the last. */
  readonly next?: number;
}

/** A file of the plan is gone: a compaction has taken it over. To be called again with the generation of now. */
export interface FilesGone {
  readonly gone: string;
}

export interface FoldOptions {
  /** From 0. @default 0 */
  readonly pass?: number;
  /** A file was gone, and the generation of now: the bucket's files are listed again, and folded on to the states that are there. */
  readonly again?: Again;
  /** It failed before, and somebody has looked at it: a file that is gone for good is left out, and what it held is read from the table. */
  readonly resumed?: boolean;
  /** Of files of so many bytes or more only the columns are copied that declared fields are read from. @default 4,000,000; 65,536; 262,144 */
  readonly sparse?: SparseOptions & { readonly from: number };
}

interface Again {
  readonly gone: string;
  readonly generation: string;
}

/** How many states are written at once. */
const WRITES = 32;
/** The function's memory, and how often what it spends is counted. */
const FOLD_GB = 2;
const SETTLE_MS = 5000;
/** So many keys of a rollup are held; then their partials are written, and the slice begins others. */
const MOST_HELD = 20_000;
/** Of a smaller file all is copied at once. */
const SPARSE = { from: 4_000_000, end: 65_536, gap: 262_144 };

/**
 * Folds one pass over a slice of the archive into the build: the first from the initial state, each later one from the states that
 * are there. Safe to repeat, also at the same time: a state is only ever replaced by one that is farther. Of a file that is gone
 * it tells; what it has written by then is right, and is gone on with when the bucket is listed again.
 */
export async function foldSlice(
  ports: FoldPorts,
  runner: Runner,
  plan: Plan,
  planned: Slice,
  { pass = 0, again, resumed = false, sparse = SPARSE }: FoldOptions = {},
): Promise<FoldResult | FilesGone> {
  const { files, table, builds } = ports;
  const goOn = refuseStopped(builds, plan);
  await goOn();
  const slice = again === undefined ? planned : await listAgain(ports, plan, planned, again, resumed);
  if ('gone' in slice) return slice;
  const folder = await mkdtemp(join(tmpdir(), 'daybook-slice-'));
  const writes = boundedWork(WRITES);
  const totals = { aggregates: 0, events: 0, applied: 0, behindHole: 0 };
  try {
    const passes = await readPasses(files, slice);
    const isTyped = runner.projection.fields !== undefined && plan.selection === undefined;
    const local = await copyFiles(files, passes[pass] ?? [], folder, isTyped ? sparse : undefined, again?.gone);
    // A rollup's partials are of all that its slice holds, so it begins anew: one pass, and of what is there the first stays.
    const isCarried = runner.projection.kind === 'projection' && (pass > 0 || slice.carried === true);
    // A rebuild counts everything: nothing is asked for each event then.
    const counts = plan.kind === 'rebuild' ? undefined : countsIn(plan.request);
    const last = lastVersion(plan.request);
    const spending = spendingOf(builds, plan, FOLD_GB);
    spending.add(local.keys.size * GET);
    const partials = partialsOf(table, runner, plan, slice, writes, goOn);
    let aggregateUuid: string | undefined;
    let fold: Fold = runner.start();
    /** Up to it the passes before have come. */
    let from = 0;
    let appliedBefore = 0;

    const finish = (): Promise<void> | undefined => {
      if (aggregateUuid === undefined || fold.position === from) return undefined;
      const item = itemOf(aggregateUuid, fold);
      totals.aggregates++;
      spending.add(WRITE_UNIT);
      totals.applied += fold.applied - appliedBefore;
      return writes.add(() => table.store(plan.projection, plan.build, item));
    };
    const aggregates = plan.selection && (await readSelection(files, plan.selection, slice.bucket));
    for await (const runs of readSlice({
      folder,
      ...local,
      types: runner.projection.events.map((event) => event.type),
      ...(runner.projection.fields === undefined
        ? { schemaVersions: runner.projection.events.map((event) => event.schemaVersion) }
        : { fields: fieldsOf(runner.projection, plan.request.range) }),
      ...(aggregates !== undefined && { aggregates }),
    })) {
      await spending.settle(SETTLE_MS);
      await goOn();
      const left = isCarried ? await statesOf(table, plan, runs) : undefined;
      for (const run of runs) {
        if (run.aggregateUuid !== aggregateUuid) {
          // Waited for only where there is something to wait for: it is asked once for each aggregate.
          const room = finish();
          if (room !== undefined) await room;
          if (partials.added.size >= MOST_HELD) await partials.flush();
          aggregateUuid = run.aggregateUuid;
          const item = left?.get(run.aggregateUuid);
          fold = item === undefined ? runner.start(partials.added) : runner.goOn(item);
          from = fold.position;
          appliedBefore = fold.applied;
        }
        let start = run.start;
        while (start < run.end && run.rows.version(start) <= from) start++;
        totals.events += run.end - start;
        if (!runner.concerns(run.aggregateType)) continue;
        for (let row = start; row < run.end; row++) {
          const version = run.rows.version(row);
          if (version > last) break;
          if (version === fold.position + 1) applyRow(runner, fold, run, row, counts);
          else totals.behindHole++;
        }
      }
    }
    await finish();
    await partials.flush();
    await writes.settled();
    for (const { requests } of local.sparse.values()) spending.add((requests - 1) * GET);
    await spending.settle();
    const done = passes.slice(0, pass + 1).flat();
    const bytes = done.reduce((sum, file) => sum + file.bytes, 0);
    await builds.folded(plan.projection, plan.name, slice.bucket, bytes, spending.rest());
    return { bucket: slice.bucket, ...totals, slice, ...(pass + 1 < passes.length && { next: pass + 1 }) };
  } catch (error) {
    if (error instanceof FileGone) return { gone: error.key };
    throw error;
  } finally {
    await writes.settled().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What a rollup's slice comes to by key, over all its aggregates. The plan fixes the files, so that a slice which runs twice makes
 * the same partials, and of each the first one that is written stays; nobody reads them before every slice is done. One that was listed again
 * holds more: it replaces what a slice that was killed has left of the list before.
 */
function partialsOf(
  table: ProjectionTable,
  { projection }: Runner,
  plan: Plan,
  { bucket, carried }: Slice,
  writes: ReturnType<typeof boundedWork>,
  goOn: () => Promise<void>,
) {
  const added: Added = new Map();
  let part = 0;
  return {
    added,
    async flush(): Promise<void> {
      const name = `slice-${part++}`;
      for (const [key, value] of added) {
        await goOn();
        const partial = keptValue(projection.name, key, value);
        await writes.add(() => table.storePartial(plan.projection, plan.build, bucket, name, partial, carried));
      }
      added.clear();
    },
  };
}

/** The states that the passes before have left of the aggregates that come now. */
async function statesOf(
  table: ProjectionTable,
  { projection, build }: Plan,
  runs: readonly Run[],
): Promise<ReadonlyMap<string, ProjectionItem>> {
  const aggregateUuids = [...new Set(runs.map((run) => run.aggregateUuid))];
  const items = await table.getMany(projection, build, aggregateUuids);
  return new Map(items.map((item) => [item.aggregateUuid, item]));
}

/**
 * The bucket as it is now. Its first pass begins anew, and looks at what the build has not seen yet. A replay that is resumed later
 * may ask for a generation that compactions have cleaned up by then, or bring a file that was lost and is there again. What is lost
 * or damaged still is named.
 */
async function listAgain(
  { files }: FoldPorts,
  plan: Plan,
  { bucket, generation: before }: Slice,
  { gone: key, generation }: Again,
  resumed: boolean,
): Promise<Slice | FilesGone> {
  let list: readonly ArchiveFile[];
  try {
    list = (await filesByBucket(files, generation, [bucket])).get(bucket) ?? [];
  } catch (error) {
    const manifest = manifestKey(generation);
    if (isNotThere(error) && key !== manifest) return { gone: manifest };
    throw error;
  }
  // A manifest lists what it was made with: whether the file is there, the bucket says.
  const listed = list.find((file) => file.key === key);
  const actualBytes = await bytesOf(files, key);
  if (actualBytes === undefined && (listed || (generation === before && !resumed)))
    throw new DaybookError('replay.fileLost', { key, generation });
  if (listed && actualBytes !== listed.bytes) throw otherFile(listed, actualBytes);
  const { passBytes } = plan;
  const manifest = sliceKey(plan, `${bucket}-${generation}`);
  return { ...(await writeSlice(files, manifest, { bucket, generation, list, passBytes })), carried: true };
}

async function bytesOf(files: ArchiveFiles, key: string): Promise<number | undefined> {
  for await (const page of files.list(key)) for (const file of page) if (file.key === key) return file.bytes;
  return undefined;
}

const otherFile = ({ key, bytes }: ArchiveFile, actualBytes: number | undefined) =>
  new DaybookError('replay.archiveFile', { key, expectedBytes: bytes, actualBytes });

/**
 * Where the files are now: what a generation has compacted, and what no generation has taken. One that is another file than the plan
 * has listed (damaged then, and restored) is as one that is gone, unless it was `looked` at just now.
 */
async function copyFiles(
  files: ArchiveFiles,
  listed: readonly ArchiveFile[],
  folder: string,
  sparse: FoldOptions['sparse'],
  looked: string | undefined,
) {
  const local = {
    compacted: [] as string[],
    raw: [] as string[],
    keys: new Map<string, string>(),
    sparse: new Map<string, SparseCopy>(),
  };
  for (const [i, file] of listed.entries()) {
    const { key, bytes } = file;
    const path = join(folder, `${i}.parquet`);
    const isCompacted = key.startsWith(FILES_PREFIX);
    let actualBytes: number;
    if (isCompacted && bytes >= (sparse?.from ?? Number.POSITIVE_INFINITY)) {
      const copy = await SparseCopy.begin(files, key, path, sparse!);
      actualBytes = copy.bytes;
      local.sparse.set(path, copy);
    } else {
      actualBytes = await files.download(key, path).catch((cause) => {
        throw isNotThere(cause) ? new FileGone(key, cause) : cause;
      });
    }
    if (actualBytes !== bytes) {
      const changed = otherFile(file, actualBytes);
      throw key === looked ? changed : new FileGone(key, changed);
    }
    local.keys.set(path, key);
    local[isCompacted ? 'compacted' : 'raw'].push(path);
  }
  return local;
}

/** What typed columns can say of a projection that declares its fields. */
function fieldsOf({ events, fields, clocks = [] }: AnyProjection, range: CheckedRange) {
  return {
    clocks,
    ...(range.kind === 'times' && { rangeClock: range.clock ?? 'occurred' }),
    seen: events.map(({ type, schemaVersion }) => ({ type, schemaVersion, fields: fields?.[type] ?? [] })),
    columns: typedColumns(events),
  };
}

type Counts = ReturnType<typeof countsIn>;

/** Whether an event counts is asked of its clocks, its version and its type: the rows know them without its text. */
function countsSeen(counts: Counts | undefined, { rows }: Run, row: number, seen: RecordedEvent | SeenEvent): boolean {
  if (counts === undefined) return true;
  const [occurredAt, recordedAt] = [rows.occurredAt(row), rows.recordedAt(row)];
  const clocks = {
    ...(!Number.isNaN(occurredAt) && { occurredAt: isoTime(occurredAt) }),
    ...(!Number.isNaN(recordedAt) && { recordedAt: isoTime(recordedAt) }),
  };
  return counts({ ...seen, ...clocks } as unknown as StoredEvent);
}

/** A fold that throws is named by its event. */
function applyRow(runner: Runner, fold: Fold, run: Run, row: number, counts: Counts | undefined): void {
  const { aggregateUuid, rows } = run;
  const version = rows.version(row);
  const seen = rows.seen(run, row);
  const stored = seen === undefined ? rows.stored(run, row) : undefined;
  try {
    if (seen !== undefined && countsSeen(counts, run, row, seen)) runner.applySeen(fold, seen);
    else if (stored !== undefined) runner.apply(fold, stored, counts === undefined || counts(stored));
    else fold.position = version;
  } catch (cause) {
    throw foldFailed(runner, { aggregateUuid, version, type: (seen ?? stored)?.type ?? '' }, cause);
  }
}

import './errors.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILES_PREFIX } from '../archive/generation.ts';
import { isoTime } from '../archive/iso-time.ts';
import { readSlice } from '../archive/parquet-reader.ts';
import type { Run } from '../archive/runs.ts';
import { typedColumns } from '../archive/typed-columns.ts';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { itemOf, keptValue } from '../projection/project.ts';
import type { ProjectionTable } from '../projection/projection-table.ts';
import type { Added, Fold, Runner, SeenEvent } from '../projection/runner.ts';
import type { ArchiveFile, ArchiveFiles } from './archive-files.ts';
import { boundedWork } from './bounded-work.ts';
import type { Builds } from './builds.ts';
import type { Plan, Slice } from './plan.ts';
import { countsIn, lastVersion } from './range.ts';
import type { CheckedRange } from './request.ts';
import { readSelection } from './selection.ts';

export interface FoldPorts {
  readonly files: ArchiveFiles;
  readonly table: ProjectionTable;
  readonly builds: Builds;
}

export interface FoldResult {
  readonly bucket: string;
  /** Aggregates whose state was written. */
  readonly aggregates: number;
  /** Distinct events that the slice's files hold. */
  readonly events: number;
  /** Events that counted. */
  readonly applied: number;
  /** Events behind a version that the archive does not hold (yet): catching up reads them from the table. */
  readonly behindHole: number;
}

/** How many states are written at once. */
const WRITES = 32;
/** So many keys of a rollup are held; then their partials are written, and the slice begins others. */
const MOST_HELD = 20_000;

/**
 * Folds one slice of the archive into the build. Safe to repeat, also at the same time: a state is only ever replaced by one
 * that is farther.
 */
export async function foldSlice(
  { files, table, builds }: FoldPorts,
  runner: Runner,
  plan: Plan,
  slice: Slice,
): Promise<FoldResult> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-slice-'));
  const writes = boundedWork(WRITES);
  const totals = { aggregates: 0, events: 0, applied: 0, behindHole: 0 };
  try {
    const paths = await download(files, slice, folder);
    // A rebuild counts everything: nothing is asked for each event then.
    const counts = plan.kind === 'rebuild' ? undefined : countsIn(plan.request);
    const last = lastVersion(plan.request);
    const partials = partialsOf(table, runner, plan, slice, writes);
    let aggregateUuid: string | undefined;
    let fold: Fold = runner.start();

    const finish = (): Promise<void> | undefined => {
      if (aggregateUuid === undefined || fold.position === 0) return undefined;
      const item = itemOf(aggregateUuid, fold);
      totals.aggregates++;
      totals.applied += fold.applied;
      return writes.add(() => table.store(plan.projection, plan.build, item));
    };
    const aggregates = plan.selection && (await readSelection(files, plan.selection, slice.bucket));
    for await (const runs of readSlice({
      folder,
      ...paths,
      types: runner.projection.events.map((event) => event.type),
      ...(runner.projection.fields !== undefined && { fields: fieldsOf(runner.projection, plan.request.range) }),
      ...(aggregates !== undefined && { aggregates }),
    })) {
      for (const run of runs) {
        totals.events += run.end - run.start;
        if (run.aggregateUuid !== aggregateUuid) {
          // Waited for only where there is something to wait for: it is asked once for each aggregate.
          const room = finish();
          if (room !== undefined) await room;
          if (partials.added.size >= MOST_HELD) await partials.flush();
          aggregateUuid = run.aggregateUuid;
          fold = runner.start(partials.added);
        }
        if (!runner.concerns(run.aggregateType)) continue;
        for (let row = run.start; row < run.end; row++) {
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
    await builds.folded(plan.projection, plan.name, slice.bucket, slice.bytes);
    return { bucket: slice.bucket, ...totals };
  } finally {
    await writes.settled().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What a rollup's slice comes to by key, over all its aggregates. The plan fixes the files, so that a slice which runs twice makes
 * the same partials, and of each the first one that is written stays; nobody reads them before every slice is done.
 */
function partialsOf(
  table: ProjectionTable,
  { projection }: Runner,
  plan: Plan,
  { bucket }: Slice,
  writes: ReturnType<typeof boundedWork>,
) {
  const added: Added = new Map();
  let part = 0;
  return {
    added,
    async flush(): Promise<void> {
      const name = `slice-${part++}`;
      for (const [key, value] of added) {
        const partial = keptValue(projection.name, key, value);
        await writes.add(() => table.storePartial(plan.projection, plan.build, bucket, name, partial));
      }
      added.clear();
    },
  };
}

/** Where the slice's files are now: what a generation has compacted, and what no generation has taken. */
async function download(files: ArchiveFiles, slice: Slice, folder: string) {
  const listed = JSON.parse(await files.readText(slice.manifest)) as ArchiveFile[];
  const paths = { compacted: [] as string[], raw: [] as string[] };
  for (const [i, { key, bytes }] of listed.entries()) {
    const path = join(folder, `${i}.parquet`);
    const actualBytes = await files.download(key, path);
    if (actualBytes !== bytes) throw new DaybookError('replay.archiveFile', { key, expectedBytes: bytes, actualBytes });
    paths[key.startsWith(FILES_PREFIX) ? 'compacted' : 'raw'].push(path);
  }
  return paths;
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
function countsSeen(counts: Counts | undefined, { rows }: Run, row: number, seen: SeenEvent): boolean {
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
  const stored = rows.stored(run, row);
  const version = rows.version(row);
  try {
    if (stored !== undefined) {
      runner.apply(fold, stored, counts === undefined || counts(stored));
      return;
    }
    const seen = rows.fields(run, row);
    if (seen === undefined || !countsSeen(counts, run, row, seen)) fold.position = version;
    else runner.applySeen(fold, seen);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const type = stored?.type ?? rows.fields(run, row)?.type ?? '';
    throw new DaybookError(
      'replay.foldFailed',
      { projection: runner.projection.name, aggregateUuid, version, type, reason },
      { cause },
    );
  }
}

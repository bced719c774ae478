import './errors.ts';
import { DaybookError } from '../errors.ts';
import { isNotThere } from './work-files.ts';

/** A Parquet file of compacted events. It never changes; generations share it while nothing in it is to change. */
export interface CompactedFile {
  readonly key: string;
  readonly bytes: number;
  readonly rows: number;
  /** The first hex digit of md5(aggregateUuid) of every event in it. */
  readonly bucket: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly firstRecordedAt: string;
  readonly lastRecordedAt: string;
  /** Of its events, whatever their order: `contentHashSql` says how. */
  readonly contentHash: string;
  /** SHA-256 of the file in hex: it holds for typed columns too. Absent in files of an earlier version. */
  readonly sha256?: string;
  /** SHA-256 of the file of keys beside it. Absent in files of an earlier version. */
  readonly keysSha256?: string;
}

/** A raw file whose events a generation holds; it may be deleted two hours after the switch. */
export interface TakenFile {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
}

/** A complete, immutable set of compacted files. What it is made of stands in its manifest. */
export interface Generation {
  readonly format: 1;
  /** Ids sort by time. */
  readonly generation: string;
  /** The generation that it was made from; `none` for the first. */
  readonly previous: string;
  readonly madeAt: string;
  readonly events: number;
  readonly files: readonly CompactedFile[];
  readonly taken: readonly TakenFile[];
}

/** The generation before the first compaction: it has no files. */
export const NO_GENERATION = 'none';

/** The view that says which generation is current, by a parameter of its table. */
export const CURRENT_VIEW = 'events_current';
export const GENERATION_PARAMETER = 'daybook.generation';
export const SWITCHED_PARAMETER = 'daybook.switchedAt';

/** A parameter of the table `events_compacted`: its typed columns as JSON. */
export const TYPED_COLUMNS_PARAMETER = 'daybook.typedColumns';

export const COMPACTED_PREFIX = 'compacted/';
export const FILES_PREFIX = 'compacted/files/';
export const KEYS_PREFIX = 'compacted/keys/';
export const GENERATIONS_PREFIX = 'compacted/generations/';

/** The small file beside a compacted one that says which versions of which aggregates it holds: `versionRuns` says how. */
export const keysKey = (fileKey: string): string => fileKey.replace(FILES_PREFIX, KEYS_PREFIX);

/** Where a generation's manifest is. */
export const manifestKey = (generation: string): string => `${GENERATIONS_PREFIX}${generation}/manifest.json`;

/** Where the list is that Athena reads a bucket of a generation by, and that of the files of keys. */
export const filesListKey = (generation: string, bucket: string): string =>
  `${GENERATIONS_PREFIX}${generation}/bucket=${bucket}/files.txt`;
export const keysListKey = (generation: string, bucket: string): string =>
  `${GENERATIONS_PREFIX}${generation}/keys/bucket=${bucket}/files.txt`;

/** A list of files that Athena reads a table by. */
export interface FilesList {
  readonly key: string;
  /** The keys of the files on it. */
  readonly names: readonly string[];
}

/** The two lists of a bucket: the compacted files, and the files of keys beside them. */
export function filesLists(generation: string, files: readonly CompactedFile[], bucket: string): readonly FilesList[] {
  const names = files.filter((file) => file.bucket === bucket).map(({ key }) => key);
  return [
    { key: filesListKey(generation, bucket), names },
    { key: keysListKey(generation, bucket), names: names.map(keysKey) },
  ];
}

/** What stands on a list: a line for each file. */
export const filesListText = ({ names }: FilesList, archiveBucket: string): string =>
  names.map((name) => `s3://${archiveBucket}/${name}\n`).join('');

/** The port to the catalog: the id of the generation that queries see, `none` before the first compaction. */
export type CurrentGeneration = () => Promise<string>;

/** Reads the manifest of a generation; `none` is an empty one. */
export async function readGeneration(
  readText: (key: string) => Promise<string>,
  generation: string,
): Promise<Generation> {
  if (generation === NO_GENERATION) {
    return { format: 1, generation, previous: generation, madeAt: '', events: 0, files: [], taken: [] };
  }
  const key = manifestKey(generation);
  const text = await readText(key).catch((cause) => {
    throw isNotThere(cause) ? new DaybookError('archive.manifestGone', { key }, { cause }) : cause;
  });
  return parseGeneration(generation, text);
}

/** What a manifest says; what is no manifest of this generation is refused, for files are deleted by it. */
export function parseGeneration(generation: string, text: string): Generation {
  const refuse = (reason: string): never => {
    throw new DaybookError('archive.badManifest', { key: manifestKey(generation), reason });
  };
  let given: Partial<Record<keyof Generation, unknown>>;
  try {
    given = JSON.parse(text) ?? {};
  } catch {
    return refuse('it is no JSON');
  }
  if (given.format !== 1) return refuse(`its format is ${JSON.stringify(given.format)}, this version knows 1`);
  if (given.generation !== generation) return refuse(`it names the generation ${JSON.stringify(given.generation)}`);
  if (typeof given.previous !== 'string') return refuse('it does not name the generation before it');
  if (typeof given.madeAt !== 'string') return refuse('it has no time');
  const files = listOf<CompactedFile>(given.files, isCompactedFile) ?? refuse('`files` are no compacted files');
  const taken = listOf<TakenFile>(given.taken, isTakenFile) ?? refuse('`taken` are no raw files');
  const events = files.reduce((sum, file) => sum + file.rows, 0);
  if (given.events !== events) return refuse(`it counts ${given.events} events, its files ${events}`);
  return { format: 1, generation, previous: given.previous, madeAt: given.madeAt, events, files, taken };
}

function listOf<T>(given: unknown, is: (value: Record<string, unknown>) => boolean): readonly T[] | undefined {
  if (!Array.isArray(given)) return undefined;
  return given.every((one) => typeof one === 'object' && one !== null && is(one)) ? given : undefined;
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown) => typeof value === 'string' && value !== '';

function isCompactedFile(file: Record<string, unknown>): boolean {
  return (
    String(file.key).startsWith(FILES_PREFIX) &&
    isCount(file.bytes) &&
    isCount(file.rows) &&
    /^[0-9a-f]$/.test(String(file.bucket)) &&
    isText(file.firstRecordedAt) &&
    isText(file.lastRecordedAt) &&
    isText(file.contentHash) &&
    [file.sha256, file.keysSha256].every((sha256) => sha256 === undefined || /^[0-9a-f]{64}$/.test(String(sha256)))
  );
}

function isTakenFile(file: Record<string, unknown>): boolean {
  return String(file.key).startsWith('events/') && isCount(file.bytes) && isText(file.etag);
}

/** The id of the generation that a compaction's key names; ids sort by time. What has none was written by nobody here. */
export const generationIn = (key: string): string | undefined =>
  /(?:^|\/)(\d{8}T\d{9}Z-[0-9a-z]+)(?:\/|-)/.exec(key)?.[1];

/** When a generation was made, by its id. */
export const madeAtOf = (generation: string): string =>
  generation.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-.*$/, '$1-$2-$3T$4:$5:$6.$7Z');

/** An id for a generation that is made now, above the one that it is made from: ids sort by time. */
export function newGeneration(previous: string, nowMs: number, suffix: string): string {
  const stamp = (ms: number) => new Date(ms).toISOString().replace(/[-:.]/g, '');
  const made = `${stamp(nowMs)}-${suffix}`;
  if (previous === NO_GENERATION || previous < made) return made;
  throw new DaybookError('archive.clockBehind', { previous, made });
}

import type { Tally } from './tally.ts';

/** One aggregate's state in one build; of a rollup, the tally of what it has added. */
export interface ProjectionItem {
  readonly aggregateUuid: string;
  /** The last version that was looked at. */
  readonly position: number;
  /** How many events counted. */
  readonly applied: number;
  /** JSON text. */
  readonly state: string;
}

/** What the aggregates of one bucket have added to one key of a rollup. */
export interface RollupValue extends Readonly<Tally> {
  readonly key: string;
  /** JSON text. */
  readonly value: string;
}

/** A value that live events have changed. */
export interface ValueChange extends RollupValue {
  /** The entries before, which tell whether another was first; 0: there was no value. */
  readonly from: number;
}

/** Of one version of a projection: which build readers see, and which one is being made. */
export interface BuildPointer {
  readonly active?: string;
  /** Since when, ISO 8601, and by which execution, its ARN; absent as long as none was promoted. */
  readonly activeSince?: string;
  readonly activeBy?: string;
  /** The build that was active before it: a rollback's aim. */
  readonly previous?: string;
  readonly building?: string;
  /** The execution that makes it, by its ARN. */
  readonly buildingBy?: string;
  /** `folding`: slices write, live events pass it by. `joined`: live events are applied to it as well. */
  readonly phase?: 'folding' | 'joined';
}

/** The port to the projections' table. */
export interface ProjectionTable {
  get(projection: string, build: string, aggregateUuid: string): Promise<ProjectionItem | undefined>;
  /** Those of the aggregates that have a state, in any order. */
  getMany(projection: string, build: string, aggregateUuids: readonly string[]): Promise<readonly ProjectionItem[]>;
  /**
   * Effect and position in one conditional put: only if the position there is still `from` (0: nothing there). False when
   * another was first: read again. With a rollup's changes, at most 99 of different keys, it is one transaction: all of them
   * become so, or nothing does.
   */
  advance(
    projection: string,
    build: string,
    item: ProjectionItem,
    from: number,
    changes?: readonly ValueChange[],
  ): Promise<boolean>;
  /** A slice's result: only if nothing as far or farther is there. False when it was. */
  store(projection: string, build: string, item: ProjectionItem): Promise<boolean>;
  /** The items of one bucket, by their ids, a page at a time; those behind `after` when it is given. */
  list(projection: string, build: string, bucket: string, after?: string): AsyncIterable<readonly ProjectionItem[]>;
  /** What live events have added to these keys, in the bucket; of those that have something. */
  liveValues(
    projection: string,
    build: string,
    bucket: string,
    keys: readonly string[],
  ): Promise<readonly RollupValue[]>;
  /** What a slice comes to for a key, written once: a second time it changes nothing, unless it is to `replace` what is there. */
  storePartial(
    projection: string,
    build: string,
    bucket: string,
    part: string,
    value: RollupValue,
    replace?: boolean,
  ): Promise<void>;
  /** Partials and live values of one bucket, by key, a page at a time; of one key when it is given. */
  values(projection: string, build: string, bucket: string, key?: string): AsyncIterable<readonly RollupValue[]>;
  pointer(projection: string, version: number): Promise<BuildPointer>;
}

/** Which of a bucket's values of a key live events change; the others are slices' and stay as they are. */
export const LIVE_PART = 'live';

/** The sixteen buckets. A rollup's key has a value in each, so that one that every event adds to is not one item. */
export const BUCKETS: readonly string[] = [...'0123456789abcdef'];

/** The build that live events make before any replay was promoted. */
export function liveBuild(version: number): string {
  return `live-v${version}`;
}

/** Whether a build has such a name: no replay may, for the build is being read and written. */
export function isLiveBuild(name: string): boolean {
  return /^live-v\d+$/.test(name);
}

/** The build that readers and the live projector mean for this version of a projection. */
export function currentBuild(pointer: BuildPointer, version: number): string {
  return pointer.active ?? liveBuild(version);
}

/** Where the pointer of a version lies: versions live side by side, each with a build of its own. */
export function pointerName(version: number): string {
  return `pointer#v${version}`;
}

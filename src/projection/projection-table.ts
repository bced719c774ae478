/** One aggregate's state in one build. */
export interface ProjectionItem {
  readonly aggregateUuid: string;
  /** The last version that was looked at. */
  readonly position: number;
  /** How many events counted. */
  readonly applied: number;
  /** JSON text. */
  readonly state: string;
}

/** Of one version of a projection: which build readers see, and which one is being made. */
export interface BuildPointer {
  readonly active?: string;
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
   * another was first: read again.
   */
  advance(projection: string, build: string, item: ProjectionItem, from: number): Promise<boolean>;
  /** A slice's result: only if nothing as far or farther is there. False when it was. */
  store(projection: string, build: string, item: ProjectionItem): Promise<boolean>;
  /** The items of one bucket, by their ids, a page at a time; those behind `after` when it is given. */
  list(projection: string, build: string, bucket: string, after?: string): AsyncIterable<readonly ProjectionItem[]>;
  pointer(projection: string, version: number): Promise<BuildPointer>;
}

/** The sixteen buckets. */
export const BUCKETS: readonly string[] = [...'0123456789abcdef'];

/** The build that live events make before any replay was promoted. */
export function liveBuild(version: number): string {
  return `live-v${version}`;
}

/** The build that readers and the live projector mean for this version of a projection. */
export function currentBuild(pointer: BuildPointer, version: number): string {
  return pointer.active ?? liveBuild(version);
}

/** Where the pointer of a version lies: versions live side by side, each with a build of its own. */
export function pointerName(version: number): string {
  return `pointer#v${version}`;
}

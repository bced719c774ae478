import './errors.ts';
import { DaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { BUCKETS, type ProjectionTable } from '../projection/projection-table.ts';
import type { ArchiveFile, ArchiveFiles } from './archive-files.ts';
import { type CheckedRequest, checkRequest } from './request.ts';

/** A bucket's share of the archive, as it was when the replay was planned. */
export interface Slice {
  readonly bucket: string;
  readonly files: number;
  readonly bytes: number;
  /** Where the list of its files is. */
  readonly manifest: string;
}

export interface Plan {
  readonly build: string;
  /** A rebuild is promoted, a report never. */
  readonly kind: 'rebuild' | 'report';
  readonly projection: string;
  readonly version: number;
  readonly request: CheckedRequest;
  readonly slices: readonly Slice[];
}

export interface PlanPorts {
  readonly files: ArchiveFiles;
  readonly table: ProjectionTable;
}

/** Where Firehose writes events (the construct `archive` says the same). */
export const EVENTS_PREFIX = 'events/';

/**
 * Checks the request and fixes which files of the archive are folded; what arrives later is caught up from the table. A
 * rebuild becomes the projection's build in progress: a second one is refused.
 */
export async function plan(
  { files, table }: PlanPorts,
  projections: readonly AnyProjection[],
  build: string,
  given: unknown,
): Promise<Plan> {
  const request = checkRequest(given, projections);
  const { name, version } = projections.find((projection) => projection.name === request.projection)!;
  const kind = request.range.kind === 'all' ? 'rebuild' : 'report';
  if (kind === 'rebuild') {
    const building = await table.begin(name, build, version);
    if (building !== build) {
      throw new DaybookError('replay.alreadyBuilding', { projection: name, building, refused: build });
    }
  }
  const slices: Slice[] = [];
  for (const [bucket, found] of await filesByBucket(files, request)) {
    if (found.length === 0) continue;
    const manifest = `replays/${name}/${build}/slices/${bucket}.json`;
    await files.writeText(manifest, JSON.stringify(found));
    slices.push({ bucket, files: found.length, bytes: found.reduce((sum, file) => sum + file.bytes, 0), manifest });
  }
  return { build, kind, projection: name, version, request, slices };
}

async function filesByBucket(
  files: ArchiveFiles,
  { range }: CheckedRequest,
): Promise<ReadonlyMap<string, readonly ArchiveFile[]>> {
  const wanted = range.kind === 'versions' ? new Set(range.aggregates.map(bucketOf)) : new Set(BUCKETS);
  const byBucket = new Map<string, ArchiveFile[]>([...wanted].sort().map((bucket) => [bucket, []]));
  for await (const page of files.list(EVENTS_PREFIX)) {
    for (const file of page) {
      const bucket = /\/bucket=([0-9a-f])\//.exec(file.key)?.[1];
      if (bucket !== undefined && file.bytes > 0) byBucket.get(bucket)?.push(file);
    }
  }
  return byBucket;
}

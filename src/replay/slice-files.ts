import { rawFiles } from '../archive/cold-files.ts';
import { readGeneration } from '../archive/generation.ts';
import type { ArchiveFile, ArchiveFiles } from './archive-files.ts';

/** A bucket's share of the archive, as it was when it was listed. */
export interface Slice {
  readonly bucket: string;
  readonly files: number;
  readonly bytes: number;
  /** It is folded in so many passes, one after the other in time, each with the states that the one before has left. */
  readonly passes: number;
  /** Where the list of its files is, by pass. */
  readonly manifest: string;
  /** The generation of compacted files that it was listed with. */
  readonly generation: string;
  /** Listed again in the middle: the build has states already, which its first pass goes on from. */
  readonly carried?: true;
}

/** So many bytes of files a pass reads at most, or one file: they lie on the function's disk, and take some minutes of its fifteen. */
export const PASS_BYTES = 1.5 * 2 ** 30;

/**
 * What queries see of these buckets now, in the order of time: the current generation's files by month, and the raw ones that
 * it has not taken by day. An aggregate's versions go up with time, but for what arrives late.
 */
export async function filesByBucket(
  files: ArchiveFiles,
  current: string,
  buckets: Iterable<string>,
): Promise<ReadonlyMap<string, readonly ArchiveFile[]>> {
  const byBucket = new Map<string, ArchiveFile[]>([...buckets].sort().map((bucket) => [bucket, []]));
  const generation = await readGeneration((key) => files.readText(key), current);
  const byMonth = [...generation.files].sort((a, b) => (a.firstRecordedAt < b.firstRecordedAt ? -1 : 1));
  for (const { key, bytes, bucket } of byMonth) byBucket.get(bucket)?.push({ key, bytes });
  const taken = new Set(generation.taken.map(({ key }) => key));
  const raw: { readonly key: string; readonly bytes: number; readonly bucket: string; readonly day?: string }[] = [];
  for await (const file of rawFiles(files)) {
    if (file.bytes > 0 && byBucket.has(file.bucket) && !taken.has(file.key)) raw.push(file);
  }
  raw.sort((a, b) => ((a.day ?? '') < (b.day ?? '') ? -1 : 1));
  for (const { key, bytes, bucket } of raw) byBucket.get(bucket)?.push({ key, bytes });
  return byBucket;
}

/** Files in their order, so many at a time as fit. */
export function cutIntoPasses(list: readonly ArchiveFile[], passBytes: number): readonly (readonly ArchiveFile[])[] {
  const passes: ArchiveFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of list) {
    if (bytes + file.bytes > passBytes) {
      passes.push([]);
      bytes = 0;
    }
    passes.at(-1)!.push(file);
    bytes += file.bytes;
  }
  return passes;
}

/** Writes down what a slice's passes read. */
export async function writeSlice(
  files: ArchiveFiles,
  manifest: string,
  given: {
    readonly bucket: string;
    readonly generation: string;
    readonly list: readonly ArchiveFile[];
    readonly passBytes: number;
  },
): Promise<Slice> {
  const { bucket, generation, list } = given;
  const passes = cutIntoPasses(list, given.passBytes);
  await files.writeText(manifest, JSON.stringify(passes));
  const bytes = list.reduce((sum, file) => sum + file.bytes, 0);
  return { bucket, files: list.length, bytes, passes: passes.length, manifest, generation };
}

/** Of a slice's passes their files. */
export async function readPasses(
  files: ArchiveFiles,
  { manifest }: Slice,
): Promise<readonly (readonly ArchiveFile[])[]> {
  return JSON.parse(await files.readText(manifest)) as ArchiveFile[][];
}

/** Where a replay keeps the lists of its slices; of one that was listed again, by the generation of then. */
export const sliceKey = (
  { projection, name }: { readonly projection: string; readonly name: string },
  list: string,
): string => `replays/${projection}/${name}/slices/${list}.json`;

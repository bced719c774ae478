import type { ArchiveFile, ArchiveFiles } from '../replay/archive-files.ts';
import { type CompactedFile, type CurrentGeneration, type Generation, readGeneration } from './generation.ts';

/** Where Firehose writes events, by arrival day and bucket. */
export const RAW_PREFIX = 'events/';

/** The archive: raw files, and the current generation of compacted ones. */
export interface ColdStorage {
  readonly files: ArchiveFiles;
  /** Which generation of compacted files queries see. */
  readonly currentGeneration: CurrentGeneration;
}

/** A file whose rows are events. */
export interface ColdFile extends ArchiveFile {
  readonly bucket: string;
  /** The day of arrival, `yyyy-MM-dd`; absent for a compacted file. */
  readonly day?: string;
  /** What its manifest says of a compacted file. */
  readonly compacted?: CompactedFile;
}

/** What queries see of compacted files now. */
export const currentGeneration = async ({ files, currentGeneration }: ColdStorage): Promise<Generation> =>
  await readGeneration((key) => files.readText(key), await currentGeneration());

/** A raw file's arrival day and bucket, by its key; Hive passes over names that begin with a dot or an underscore. */
export const RAW_FILE = /^events\/day=(\d{4}-\d\d-\d\d)\/bucket=([0-9a-f])\/(?:.*\/)?[^/._][^/]*$/;

/** The raw files that arrived on `fromDay` or later, in the order of their days. */
export async function* rawFiles(files: ArchiveFiles, fromDay = ''): AsyncGenerator<ColdFile, void, undefined> {
  for await (const page of files.list(RAW_PREFIX)) {
    for (const { key, bytes } of page) {
      const [, day, bucket] = RAW_FILE.exec(key) ?? [];
      if (day !== undefined && bucket !== undefined && day >= fromDay) yield { key, bytes, bucket, day };
    }
  }
}

const DAY_MS = 24 * 3_600_000;

/** An event arrives after it was recorded, but a writer's clock may run ahead of Firehose's. */
export const arrivalDay = (recordedAt: string): string =>
  new Date(Date.parse(recordedAt) - DAY_MS).toISOString().slice(0, 10);

/** An object of the archive's bucket, as a listing shows it. */
export interface ListedFile {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
}

/** The port to the archive's bucket that a compaction needs. */
export interface CompactionFiles {
  /** Every file below a prefix, in the order of the keys, a page at a time. */
  list(prefix: string): AsyncIterable<readonly ListedFile[]>;
  readText(key: string): Promise<string>;
  writeText(key: string, text: string): Promise<void>;
  /** Copies a file to a local path without holding it in memory. False when there is none of this key. */
  download(key: string, path: string): Promise<boolean>;
  /** Copies a local file of `bytes` to the bucket without holding it in memory. */
  upload(path: string, key: string, bytes: number): Promise<void>;
  /** Deletes files; one that is gone already is no error. */
  delete(keys: readonly string[]): Promise<void>;
}

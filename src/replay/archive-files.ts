export interface ArchiveFile {
  readonly key: string;
  readonly bytes: number;
}

/** The port to the archive's files. */
export interface ArchiveFiles {
  /** Every file below a prefix, a page at a time. */
  list(prefix: string): AsyncIterable<readonly ArchiveFile[]>;
  readText(key: string): Promise<string>;
  writeText(key: string, text: string): Promise<void>;
  writeBytes(key: string, bytes: Uint8Array): Promise<void>;
  /** Copies a file to a local path; the answer is its size in bytes. */
  download(key: string, path: string): Promise<number>;
}

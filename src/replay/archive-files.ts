export interface ArchiveFile {
  readonly key: string;
  readonly bytes: number;
}

/** A part of a file: its bytes from the one up to, not including, the other, or so many at its end. */
export type FilePart = { readonly from: number; readonly to: number } | { readonly last: number };

export interface CopiedPart {
  /** Of the whole file; 0 where it has not got such a part. */
  readonly bytes: number;
  /** Says which of the file's states it is of. */
  readonly etag: string;
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
  /**
   * Copies a part of a file to its place in the file at a local path, and leaves that as it is besides. With an etag of an answer
   * before: only of that state of the file, another one is refused as a `PreconditionFailed`.
   */
  copyPart(key: string, path: string, part: FilePart, etag?: string): Promise<CopiedPart>;
}

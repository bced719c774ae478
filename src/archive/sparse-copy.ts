import { open } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ArchiveFiles, CopiedPart, FilePart } from '../replay/archive-files.ts';
import { boundedWork } from '../replay/bounded-work.ts';
import { quoteText } from './duckdb-text.ts';
import { isNotThere } from './work-files.ts';

export interface SparseOptions {
  /** Bytes of a file's end that are copied first: mostly its whole footer. */
  readonly end: number;
  /** A gap between two columns is copied along up to so many bytes: a request costs about as much of a function's time. */
  readonly gap: number;
}

/** Parts of a file that are copied at once. */
const AT_ONCE = 8;

/** The file is gone, or is another one than it was when its copy began. */
export class FileGone extends Error {
  readonly key: string;

  constructor(key: string, cause: unknown) {
    super(`${key} is gone, or was replaced while it was read`, { cause });
    this.key = key;
  }
}

/**
 * A local copy of a Parquet file of which only the footer is there at first, and of its columns those that were asked for: the
 * rest is a hole. A fold of declared fields takes a small part of a file.
 */
export class SparseCopy {
  readonly key: string;
  readonly path: string;
  /** Of the whole file. */
  bytes = 0;
  /** So many requests of S3 were made. */
  requests = 0;
  readonly #files: Pick<ArchiveFiles, 'copyPart'>;
  readonly #gap: number;
  /** Which of the file's states is copied: another one is not mixed with it. */
  #etag: string | undefined;
  #isWhole = false;

  private constructor(files: Pick<ArchiveFiles, 'copyPart'>, key: string, path: string, gap: number) {
    this.#files = files;
    this.#gap = gap;
    this.key = key;
    this.path = path;
  }

  static async begin(
    files: Pick<ArchiveFiles, 'copyPart'>,
    key: string,
    path: string,
    { end, gap }: SparseOptions,
  ): Promise<SparseCopy> {
    const copy = new SparseCopy(files, key, path, gap);
    await (await open(path, 'w')).close();
    const { bytes, etag } = await copy.#copy({ last: end });
    copy.bytes = bytes;
    copy.#etag = etag;
    const footer = await copy.#footerBytes();
    if (footer > end) await copy.#copy({ from: Math.max(0, bytes - footer), to: bytes });
    return copy;
  }

  /** Copies these columns. */
  async columns(connection: DuckDBConnection, names: readonly string[]): Promise<void> {
    const chunks = await connection.run(
      `SELECT CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset) ELSE data_page_offset END::DOUBLE AS first,
          total_compressed_size::DOUBLE
        FROM parquet_metadata(${quoteText(this.path)})
        WHERE path_in_schema IN (SELECT unnest(string_split($names, chr(10)))) ORDER BY first`,
      { names: names.join('\n') },
    );
    const parts: { from: number; to: number }[] = [];
    for (const [from, size] of (await chunks.getRows()) as [number, number][]) {
      const before = parts.at(-1);
      if (before !== undefined && from - before.to <= this.#gap) before.to = Math.max(before.to, from + size);
      else parts.push({ from, to: from + size });
    }
    const work = boundedWork(AT_ONCE);
    for (const part of parts) await work.add(() => this.#copy(part));
    await work.settled();
  }

  /** Copies all of it: what is read of it now may be anything. */
  async whole(): Promise<void> {
    if (!this.#isWhole) await this.#copy({ from: 0, to: this.bytes });
    this.#isWhole = true;
  }

  async #copy(part: FilePart): Promise<CopiedPart> {
    this.requests++;
    try {
      return await this.#files.copyPart(this.key, this.path, part, this.#etag);
    } catch (cause) {
      if (isNotThere(cause) || (cause as Error).name === 'PreconditionFailed') throw new FileGone(this.key, cause);
      throw cause;
    }
  }

  /** "4 bytes: length of file metadata (little endian), 4-byte magic number 'PAR1'" at its end. */
  async #footerBytes(): Promise<number> {
    const file = await open(this.path);
    try {
      const { buffer } = await file.read(Buffer.alloc(8), 0, 8, Math.max(0, this.bytes - 8));
      return buffer.readUInt32LE(0) + 8;
    } finally {
      await file.close();
    }
  }
}

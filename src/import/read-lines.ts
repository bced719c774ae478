import './errors.ts';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DaybookError } from '../errors.ts';

/** A line of a file, counted from 1: its text, or why it cannot be one. */
export interface Line {
  readonly number: number;
  readonly text: string | DaybookError;
}

/** An item has at most 400 KB; escapes such as \u00e4 make at most three bytes of one. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of JSON Lines text, those of one chunk at a time; empty ones are counted and left out. Gzip is recognised.
 * `onBytes` is told how many bytes of the source the lines so far took.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<readonly Line[], void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 0;
  let parts: Uint8Array[] = [];
  let held = 0;

  const finish = (): Line | undefined => {
    number++;
    const size = held;
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    parts = [];
    held = 0;
    if (size > MAX_LINE_BYTES) {
      return { number, text: new DaybookError('import.lineTooLong', { bytes: size, limit: MAX_LINE_BYTES }) };
    }
    const end = bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length;
    try {
      const text = decoder.decode(bytes.subarray(0, end));
      const line = number === 1 && text.startsWith('\ufeff') ? text.slice(1) : text;
      return line.trim() === '' ? undefined : { number, text: line };
    } catch {
      return { number, text: new DaybookError('import.notUtf8', {}) };
    }
  };
  const hold = (bytes: Uint8Array) => {
    held += bytes.length;
    // What is too long is only counted.
    if (held > MAX_LINE_BYTES) parts = [];
    else parts.push(bytes);
  };

  const { chunks, taken } = await unzipped(source);
  for await (const chunk of chunks) {
    onBytes(taken());
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      hold(chunk.subarray(start, end));
      const line = finish();
      if (line !== undefined) lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) hold(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (held > 0) {
    const line = finish();
    if (line !== undefined) yield [line];
  }
}

interface Chunks {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes of the source that the chunks so far were made of. */
  taken(): number;
}

/** The bytes as they are, or unzipped when they begin as gzip does, whatever the file is called. */
async function unzipped(source: AsyncIterable<Uint8Array>): Promise<Chunks> {
  const iterator = source[Symbol.asyncIterator]();
  let first = new Uint8Array();
  let done = false;
  while (first.length < 2 && !done) {
    const next = await iterator.next();
    done = next.done === true;
    if (!done) first = Buffer.concat([first, next.value]);
  }
  let bytes = 0;
  const all = (async function* () {
    try {
      bytes += first.length;
      if (first.length > 0) yield first;
      while (!done) {
        const next = await iterator.next();
        if (next.done === true) return;
        bytes += next.value.length;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  })();
  if (first[0] !== 0x1f || first[1] !== 0x8b) return { chunks: all, taken: () => bytes };
  const zipped = Readable.from(all, { objectMode: false });
  const gunzip = createGunzip();
  // A failure of the source must end the unzipped side as well.
  zipped.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => zipped.destroy());
  return { chunks: named(zipped.pipe(gunzip)), taken: () => gunzip.bytesWritten };
}

/** Zlib's "unexpected end of file" does not say that it is about gzip. */
async function* named(unzipped: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* unzipped;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!code?.startsWith('Z_')) throw cause;
    throw new Error(`its gzip data is cut off or damaged (${message})`, { cause });
  }
}

import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import type { Json } from '../cloud.ts';
import type { Journal, Part } from '../journal.ts';
import { HostError } from './errors.ts';

/** A journal in a file of JSON lines: the first names the format, each other is `[[part, entry], …]`. */
export interface JournalFile extends Journal {
  /** Reads what is there and hands it to the parts; from then on what they write is kept. */
  open(): void;
  /** Writes the file anew: the present state without the way to it. It does so by itself when the file has grown. */
  compact(): void;
  /** Lets every part go on with what was under way. */
  resume(): void;
  close(): void;
}

export interface JournalFileOptions {
  /** The file is written anew once what came after the last time has so many bytes, and as many as it had then. */
  readonly compactAfterBytes?: number | undefined;
}

const FORMAT = { journal: 'daybook', format: 1 };
const COMPACT_AFTER_BYTES = 64 * 1024 * 1024;
/** A turn without entries: what is before it was written anew, what is behind it came after. */
const MARK = '[]\n';
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * After `kill -9` the file holds every line that was written, for the system has them; the last one may be torn, was then
 * never answered for, and is dropped. Nothing waits for the disk itself (fsync): when the machine loses its power, the last
 * seconds may be lost.
 */
export function journalFile(path: string, options: JournalFileOptions = {}): JournalFile {
  const compactAfter = options.compactAfterBytes ?? COMPACT_AFTER_BYTES;
  const parts = new Map<string, Part<Json>>();
  let file: number | undefined;
  let turn: (string | (() => string))[] = [];
  /** Bytes of the file when it was written anew, and those that came after. */
  let compactBytes = 0;
  let tailBytes = 0;

  const write = (to: number, text: string): number => {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(to, bytes, done);
    return bytes.length;
  };
  const flush = () => {
    if (file === undefined || turn.length === 0) return;
    const entries = turn;
    turn = [];
    const line = `[${entries.map((entry) => (typeof entry === 'string' ? entry : entry())).join(',')}]\n`;
    // What cannot be written must not be answered for: failing here ends the process.
    tailBytes += write(file, line);
    if (tailBytes > Math.max(compactAfter, compactBytes)) compact();
  };
  const compact = () => {
    if (file !== undefined) closeSync(file);
    file = openSync(`${path}.new`, 'w');
    compactBytes = write(file, `${JSON.stringify(FORMAT)}\n`);
    let lines: string[] = [];
    let length = 0;
    const put = () => {
      compactBytes += write(file!, lines.join(''));
      lines = [];
      length = 0;
    };
    for (const [name, part] of parts) {
      for (const entry of part.snapshot()) {
        const line = `[${encode(name, entry)}]\n`;
        lines.push(line);
        length += line.length;
        if (length > CHUNK_BYTES) put();
      }
    }
    lines.push(MARK);
    put();
    tailBytes = 0;
    renameSync(`${path}.new`, path);
  };

  return {
    join(name, part) {
      parts.set(name, part as Part<Json>);
      return (entry) => {
        if (file === undefined) return; // it is being restored, or everything ends
        if (turn.length === 0) queueMicrotask(flush);
        if (typeof entry === 'function') turn.push(() => encode(name, (entry as () => Json)()));
        else turn.push(encode(name, entry));
      };
    },
    open() {
      compactBytes = 0;
      const take = (line: string, at: number) => {
        if (`${line}\n` === MARK) compactBytes = at + MARK.length;
        else restore(parts, path, line, at);
      };
      const whole = existsSync(path) ? readLines(path, take) : 0;
      if (whole === 0) return compact();
      tailBytes = whole - compactBytes;
      file = openSync(path, 'a');
    },
    compact() {
      flush();
      compact();
    },
    resume() {
      for (const part of parts.values()) part.resume?.();
      flush();
    },
    close() {
      flush();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

const encode = (name: string, entry: unknown): string => `["${name}",${JSON.stringify(entry)}]`;

function restore(parts: ReadonlyMap<string, Part<Json>>, path: string, line: string, at: number): void {
  let read: Json;
  try {
    read = JSON.parse(line);
  } catch (cause) {
    throw new HostError('local.journalBroken', { path, at, problem: 'it is no JSON' }, { cause });
  }
  if (at === 0) {
    if (read.journal === FORMAT.journal && read.format === FORMAT.format) return;
    throw new HostError('local.journalBroken', {
      path,
      at,
      problem: `its format is ${read.format}, not ${FORMAT.format}`,
    });
  }
  for (const [name, entry] of read) {
    const part = parts.get(name);
    if (part === undefined)
      throw new HostError('local.journalBroken', { path, at, problem: `nothing here is called ${name}` });
    try {
      part.restore(entry);
    } catch (cause) {
      const { message } = cause as Error;
      throw new HostError('local.journalBroken', { path, at, problem: `${name}: ${message}` }, { cause });
    }
  }
}

/** Reads every whole line with the byte that it begins at, cuts off a torn end, and gives the bytes that are left. */
function readLines(path: string, take: (line: string, at: number) => void): number {
  const file = openSync(path, 'r+');
  try {
    const size = fstatSync(file).size;
    let rest: Buffer = Buffer.alloc(0);
    let at = 0;
    for (let offset = 0; offset < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - offset));
      offset += readSync(file, chunk, 0, chunk.length, offset);
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
        take(bytes.toString('utf8', from, end), at);
        at += end + 1 - from;
        from = end + 1;
      }
      rest = bytes.subarray(from);
    }
    if (at < size) ftruncateSync(file, at);
    return at;
  } finally {
    closeSync(file);
  }
}

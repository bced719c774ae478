import { isAscii } from 'node:buffer';
import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { duckdbPath } from './load-duckdb.ts';

/** What of DuckDB's C interface hands over a column as the memory that it lies in, copied. */
interface Bindings {
  data_chunk_get_vector(chunk: unknown, column: number): unknown;
  vector_get_data(vector: unknown, bytes: number): Uint8Array;
  vector_get_validity(vector: unknown, bytes: number): Uint8Array | null;
  /** The memory that the pointer at an offset of a buffer points to. */
  get_data_from_pointer(buffer: ArrayBufferLike, offset: number, bytes: number): Uint8Array;
  data_chunk_reset(chunk: unknown): void;
}

let bindings: Bindings | undefined;

/** The binding of the very DuckDB that made the chunk: a dependency of its package, not of ours. */
function theBindings(): Bindings {
  bindings ??= createRequire(duckdbPath())('@duckdb/node-bindings') as Bindings;
  return bindings;
}

/** The binding copies: what it gives is ours, and stays when the chunk has gone. */
function memoryOf(chunk: DuckDBDataChunk, column: number, bytes: number): Uint8Array {
  return theBindings().vector_get_data(theBindings().data_chunk_get_vector(chunk.chunk, column), bytes);
}

/**
 * Gives a chunk's texts back as soon as its columns are read: V8 does not know their size, and of many files that are read side by side it would
 * collect their chunks late.
 */
export function releaseTexts(chunk: DuckDBDataChunk): void {
  theBindings().data_chunk_reset(chunk.chunk);
}

/** A column of 64-bit integers (or times) as numbers: exact as far as numbers are, and then rounded as JSON.parse rounds. */
export function readIntegers(chunk: DuckDBDataChunk, column: number): Float64Array {
  const { rowCount } = chunk;
  const bytes = memoryOf(chunk, column, rowCount * 8);
  const halves = new Int32Array(bytes.buffer, bytes.byteOffset, rowCount * 2);
  const numbers = new Float64Array(rowCount);
  for (let i = 0; i < rowCount; i++) numbers[i] = halves[2 * i + 1]! * 4294967296 + (halves[2 * i]! >>> 0);
  return numbers;
}

/** A column of unsigned 64-bit integers, as they are. */
export function readUnsigned(chunk: DuckDBDataChunk, column: number): BigUint64Array {
  const bytes = memoryOf(chunk, column, chunk.rowCount * 8);
  return new BigUint64Array(bytes.buffer, bytes.byteOffset, chunk.rowCount);
}

/** A column of 32-bit integers. */
export function readSmallIntegers(chunk: DuckDBDataChunk, column: number): Int32Array {
  const bytes = memoryOf(chunk, column, chunk.rowCount * 4);
  return new Int32Array(bytes.buffer, bytes.byteOffset, chunk.rowCount);
}

/** A column of doubles. */
export function readDoubles(chunk: DuckDBDataChunk, column: number): Float64Array {
  const bytes = memoryOf(chunk, column, chunk.rowCount * 8);
  return new Float64Array(bytes.buffer, bytes.byteOffset, chunk.rowCount);
}

/** A column of booleans: a byte each. */
export function readBooleans(chunk: DuckDBDataChunk, column: number): Uint8Array {
  return memoryOf(chunk, column, chunk.rowCount);
}

/** Which values of a column are there: a bit each, the lowest first; null when all are. */
export function readValidity(chunk: DuckDBDataChunk, column: number): Uint8Array | null {
  const words = Math.ceil(chunk.rowCount / 64);
  const vector = theBindings().data_chunk_get_vector(chunk.chunk, column);
  return theBindings().vector_get_validity(vector, words * 8);
}

export const isValid = (validity: Uint8Array | null, row: number): boolean =>
  validity === null || (validity[row >> 3]! & (1 << (row & 7))) !== 0;

/** Texts up to so many bytes lie in the column itself; of a longer one a pointer. */
const SHORT = 12;
/** A block of texts that is decoded at once: larger ones would be made where V8 keeps what is large. */
const BLOCK_BYTES = 8192; // what is parsed of one at once outlives a collection

/**
 * A column of texts, copied, each decoded when it is asked for; NULL is the empty text. The long ones of a chunk lie one right behind
 * the other in a few blocks of memory, so a block is one call of the binding; text by text, these calls would be what costs
 * most of all.
 */
export class TextColumn {
  readonly #bytes: Uint8Array;
  readonly #validity: Uint8Array | null;
  readonly #lengths: Int32Array;
  readonly #starts: Int32Array;
  readonly #blockOf: Uint16Array;
  readonly #blocks: Block[] = [];

  constructor(chunk: DuckDBDataChunk, column: number) {
    const count = chunk.rowCount;
    this.#bytes = memoryOf(chunk, column, count * 16);
    this.#lengths = new Int32Array(count);
    this.#starts = new Int32Array(count);
    this.#blockOf = new Uint16Array(count);
    this.#validity = readValidity(chunk, column);
    this.#findBlocks(this.#validity);
  }

  /** Is there a text, not NULL? */
  has(row: number): boolean {
    return isValid(this.#validity, row);
  }

  #findBlocks(validity: Uint8Array | null): void {
    const count = this.#lengths.length;
    const { buffer, byteOffset } = this.#bytes;
    const words = new Uint32Array(buffer, byteOffset, count * 4);
    let first = -1;
    let size = 0;
    let texts = 0;
    let end = -1;
    const close = () => {
      if (first < 0) return;
      const { buffer: bytes } = theBindings().get_data_from_pointer(buffer, byteOffset + first * 16 + 8, size);
      this.#blocks.push(new Block(Buffer.from(bytes, 0, size), first, texts));
    };
    for (let row = 0; row < count; row++) {
      if (!isValid(validity, row)) continue;
      const length = words[4 * row]!;
      this.#lengths[row] = length;
      if (length <= SHORT) continue;
      const pointer = words[4 * row + 3]! * 4294967296 + words[4 * row + 2]!;
      if (first < 0 || pointer !== end || size > BLOCK_BYTES) {
        close();
        first = row;
        size = 0;
        texts = 0;
      }
      this.#starts[row] = size;
      this.#blockOf[row] = this.#blocks.length;
      size += length;
      texts++;
      end = pointer + length;
    }
    close();
  }

  /** Without so many bytes at its end. */
  text(row: number, without = 0): string {
    const length = this.#lengths[row]!;
    if (length <= SHORT) return shortText(this.#bytes, row * 16 + 4, length - without);
    return this.block(row).text(this.#starts[row]!, length - without);
  }

  /** Of a long text. */
  block(row: number): Block {
    return this.#blocks[this.#blockOf[row]!]!;
  }

  /** Is it the text of the row before? */
  isAsBefore(row: number): boolean {
    const length = this.#lengths[row]!;
    if (length !== this.#lengths[row - 1]) return false;
    if (length <= SHORT) {
      for (let i = row * 16 + 4; i < row * 16 + 4 + length; i++)
        if (this.#bytes[i] !== this.#bytes[i - 16]) return false;
      return true;
    }
    return isEqual(this.block(row).view, this.#starts[row]!, this.block(row - 1).view, this.#starts[row - 1]!, length);
  }

  get count(): number {
    return this.#lengths.length;
  }
}

class Block {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** The row whose text it begins with. */
  readonly first: number;
  /** How many texts it has. */
  readonly count: number;
  /** All of it as one text, where a character is a byte. */
  #whole: string | undefined;

  constructor(bytes: Buffer, first: number, count: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.first = first;
    this.count = count;
  }

  text(start: number, length: number): string {
    this.#whole ??= isAscii(this.bytes) ? this.bytes.toString('latin1') : '';
    if (this.#whole !== '') return this.#whole.slice(start, start + length);
    return this.bytes.toString('utf8', start, start + length);
  }
}

/** Stands behind each text of a column that is parsed: no text can have been made to hold it. */
const MARK = randomInt(100_000_000, 1_000_000_000); // V8 parses nine digits several times as fast as ten
/** Longer than a short text. */
export const BEHIND = `,  ${MARK}, `;

/**
 * A column of JSON, `BEHIND` behind each text: the texts of a block are parsed as one array, which costs a fifth less than each by
 * itself. Each is JSON if between two marks there is one value; where that is not so, none of the block is given.
 */
export class JsonColumn {
  readonly #texts: TextColumn;
  #block: Block | undefined;
  #values: readonly unknown[] = [];

  constructor(chunk: DuckDBDataChunk, column: number) {
    this.#texts = new TextColumn(chunk, column);
  }

  text(row: number): string {
    return this.#texts.text(row, BEHIND.length);
  }

  /** Undefined where it, or another of its block, is no JSON. */
  value(row: number): unknown {
    const block = this.#texts.block(row);
    if (block !== this.#block) {
      this.#block = block;
      this.#values = parseMarked(block.text(0, block.bytes.length - 2), block.count);
    }
    return this.#values[2 * (row - block.first)];
  }
}

function parseMarked(texts: string, count: number): readonly unknown[] {
  try {
    const values = JSON.parse(`[${texts}]`) as readonly unknown[];
    const isMarked = values.length === 2 * count && values.every((value, i) => i % 2 === 0 || value === MARK);
    return isMarked ? values : [];
  } catch {
    return [];
  }
}

function isEqual(a: DataView, from: number, b: DataView, at: number, length: number): boolean {
  let i = 0;
  for (; i + 4 <= length; i += 4) if (a.getInt32(from + i) !== b.getInt32(at + i)) return false;
  for (; i < length; i++) if (a.getUint8(from + i) !== b.getUint8(at + i)) return false;
  return true;
}

/** A byte order mark at the beginning of a text is the text's own: of two ids one may have it and the other not. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function shortText(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let i = start; i < start + length; i++) {
    if (bytes[i]! > 127) return decoder.decode(bytes.subarray(start, start + length));
    text += CHARACTERS[bytes[i]!];
  }
  return text;
}

const CHARACTERS = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i));

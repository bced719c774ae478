import { isAscii } from 'node:buffer';
import { createRequire } from 'node:module';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { duckdbPath } from './load-duckdb.ts';

/** What of DuckDB's C interface hands over a column as the memory that it lies in. */
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

/** The memory is the chunk's and goes with it: all that is read of it is copied. */
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
  return new BigUint64Array(bytes.buffer, bytes.byteOffset, chunk.rowCount).slice();
}

/** A column of 32-bit integers. */
export function readSmallIntegers(chunk: DuckDBDataChunk, column: number): Int32Array {
  const bytes = memoryOf(chunk, column, chunk.rowCount * 4);
  return new Int32Array(bytes.buffer, bytes.byteOffset, chunk.rowCount).slice();
}

/** A column of doubles. */
export function readDoubles(chunk: DuckDBDataChunk, column: number): Float64Array {
  const bytes = memoryOf(chunk, column, chunk.rowCount * 8);
  return new Float64Array(bytes.buffer, bytes.byteOffset, chunk.rowCount).slice();
}

/** A column of booleans: a byte each. */
export function readBooleans(chunk: DuckDBDataChunk, column: number): Uint8Array {
  return memoryOf(chunk, column, chunk.rowCount).slice();
}

/** Which values of a column are there: a bit each, the lowest first; null when all are. */
export function readValidity(chunk: DuckDBDataChunk, column: number): Uint8Array | null {
  const words = Math.ceil(chunk.rowCount / 64);
  const vector = theBindings().data_chunk_get_vector(chunk.chunk, column);
  return (
    theBindings()
      .vector_get_validity(vector, words * 8)
      ?.slice() ?? null
  );
}

export const isValid = (validity: Uint8Array | null, row: number): boolean =>
  validity === null || (validity[row >> 3]! & (1 << (row & 7))) !== 0;

/** Texts up to so many bytes lie in the column itself; of a longer one a pointer. */
const SHORT = 12;
/** A block of texts that is decoded at once: larger ones would be made where V8 keeps what is large. */
const BLOCK_BYTES = 32_768;

/**
 * A column of texts, copied, each decoded when it is asked for; NULL is the empty text. The long ones of a chunk lie one right behind
 * the other in a few blocks of memory, so a block is one call of the binding; text by text, these calls would be what costs
 * most of all.
 */
export class TextColumn {
  readonly #bytes: Uint8Array;
  readonly #lengths: Int32Array;
  readonly #starts: Int32Array;
  readonly #blockOf: Uint16Array;
  readonly #blocks: Block[] = [];

  constructor(chunk: DuckDBDataChunk, column: number) {
    const count = chunk.rowCount;
    const memory = memoryOf(chunk, column, count * 16);
    this.#bytes = memory.slice();
    this.#lengths = new Int32Array(count);
    this.#starts = new Int32Array(count);
    this.#blockOf = new Uint16Array(count);
    this.#findBlocks(memory, readValidity(chunk, column));
  }

  #findBlocks({ buffer, byteOffset }: Uint8Array, validity: Uint8Array | null): void {
    const count = this.#lengths.length;
    const words = new Uint32Array(buffer, byteOffset, count * 4);
    let first = -1;
    let size = 0;
    let end = -1;
    const close = () => {
      if (first < 0) return;
      const memory = theBindings().get_data_from_pointer(buffer, byteOffset + first * 16 + 8, size);
      const bytes = Buffer.allocUnsafeSlow(size);
      bytes.set(memory);
      this.#blocks.push(new Block(bytes));
      first = -1;
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
      }
      this.#starts[row] = size;
      this.#blockOf[row] = this.#blocks.length;
      size += length;
      end = pointer + length;
    }
    close();
  }

  text(row: number): string {
    const length = this.#lengths[row]!;
    if (length <= SHORT) return shortText(this.#bytes, row * 16 + 4, length);
    return this.#blocks[this.#blockOf[row]!]!.text(this.#starts[row]!, length);
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
    const { view } = this.#blocks[this.#blockOf[row]!]!;
    const before = this.#blocks[this.#blockOf[row - 1]!]!;
    return isEqual(view, this.#starts[row]!, before.view, this.#starts[row - 1]!, length);
  }

  get count(): number {
    return this.#lengths.length;
  }
}

class Block {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** All of it as one text, where a character is a byte. */
  #whole: string | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  text(start: number, length: number): string {
    this.#whole ??= isAscii(this.bytes) ? this.bytes.toString('latin1') : '';
    if (this.#whole !== '') return this.#whole.slice(start, start + length);
    return this.bytes.toString('utf8', start, start + length);
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

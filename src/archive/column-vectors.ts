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

const isValid = (validity: Uint8Array | null, row: number): boolean =>
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
  /** The same, four words a text: its length; of a long one, in place of the pointer, where in a block it begins, and in which. */
  readonly #words: Uint32Array;
  readonly #validity: Uint8Array | null;
  readonly #blocks: Block[] = [];

  constructor(chunk: DuckDBDataChunk, column: number) {
    this.#bytes = memoryOf(chunk, column, chunk.rowCount * 16);
    this.#words = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, chunk.rowCount * 4);
    this.#validity = readValidity(chunk, column);
    this.#findBlocks(this.#words, this.#validity);
  }

  /** Is there a text, not NULL? */
  has(row: number): boolean {
    return isValid(this.#validity, row);
  }

  #findBlocks(words: Uint32Array, validity: Uint8Array | null): void {
    let first = -1;
    let size = 0;
    let texts = 0;
    let end = -1;
    const close = () => {
      if (first < 0) return;
      const pointerAt = words.byteOffset + first * 16 + 8;
      const { buffer } = theBindings().get_data_from_pointer(words.buffer, pointerAt, size);
      words[4 * first + 2] = 0;
      words[4 * first + 3] = this.#blocks.length;
      this.#blocks.push(new Block(Buffer.from(buffer, 0, size), first, texts));
    };
    for (let row = 0; 4 * row < words.length; row++) {
      if (!isValid(validity, row)) {
        words[4 * row] = 0;
        continue;
      }
      const length = words[4 * row]!;
      if (length <= SHORT) continue;
      const pointer = words[4 * row + 3]! * 4294967296 + words[4 * row + 2]!;
      if (first < 0 || pointer !== end || size > BLOCK_BYTES) {
        close();
        first = row;
        size = 0;
        texts = 0;
      } else {
        words[4 * row + 2] = size;
        words[4 * row + 3] = this.#blocks.length;
      }
      size += length;
      texts++;
      end = pointer + length;
    }
    close();
  }

  /** Without so many bytes at its end. */
  text(row: number, without = 0): string {
    const length = this.#words[4 * row]!;
    if (length <= SHORT) return shortText(this.#bytes, row * 16 + 4, length - without);
    return this.block(row).text(this.#words[4 * row + 2]!, length - without);
  }

  /** Of a long text. */
  block(row: number): Block {
    return this.#blocks[this.#words[4 * row + 3]!]!;
  }

  /** Is it the text of the row before? */
  isAsBefore(row: number): boolean {
    const length = this.#words[4 * row]!;
    if (length !== this.#words[4 * row - 4]) return false;
    if (length <= SHORT) {
      for (let i = row * 16 + 4; i < row * 16 + 4 + length; i++)
        if (this.#bytes[i] !== this.#bytes[i - 16]) return false;
      return true;
    }
    const [start, before] = [this.#words[4 * row + 2]!, this.#words[4 * row - 2]!];
    return isEqual(this.block(row).view, start, this.block(row - 1).view, before, length);
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

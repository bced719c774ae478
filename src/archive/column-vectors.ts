import { createRequire } from 'node:module';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { duckdbPath } from './load-duckdb.ts';

/** What of DuckDB's C interface hands over a column as the memory that it lies in. */
interface Bindings {
  data_chunk_get_vector(chunk: unknown, column: number): unknown;
  vector_get_data(vector: unknown, bytes: number): Uint8Array;
  vector_get_validity(vector: unknown, bytes: number): Uint8Array | null;
}

let bindings: Bindings | undefined;

/** The binding of the very DuckDB that made the chunk: a dependency of its package, not of ours. */
function theBindings(): Bindings {
  bindings ??= createRequire(duckdbPath())('@duckdb/node-bindings') as Bindings;
  return bindings;
}

/** The memory is the chunk's and goes with it: what outlives the chunk is copied. */
function memoryOf(chunk: DuckDBDataChunk, column: number, bytes: number): Uint8Array {
  return theBindings().vector_get_data(theBindings().data_chunk_get_vector(chunk.chunk, column), bytes);
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

const decoder = new TextDecoder();

/**
 * A column of texts, one at a time. Short ones, up to 12 bytes, lie in the column itself; each longer one is a call of the
 * binding. What is returned keeps the chunk.
 */
export function readTexts(chunk: DuckDBDataChunk, column: number): (row: number) => string {
  const bytes = memoryOf(chunk, column, chunk.rowCount * 16);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, chunk.rowCount * 4);
  return (row) => {
    const length = words[4 * row]!;
    if (length > 12) return chunk.getColumnVector(column).getItem(row) as string;
    return shortText(bytes, row * 16 + 4, length);
  };
}

function shortText(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let i = start; i < start + length; i++) {
    if (bytes[i]! > 127) return decoder.decode(bytes.subarray(start, start + length));
    text += CHARACTERS[bytes[i]!];
  }
  return text;
}

const CHARACTERS = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i));

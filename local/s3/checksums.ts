import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';

/** The algorithms of `x-amz-checksum-*`. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** The checksum as S3 sends it: base64 of the big-endian bytes. */
export function checksumOf(algorithm: ChecksumAlgorithm, body: Uint8Array): string {
  return digestOf(algorithm, body).toString('base64');
}

/** "Composite checksums": the checksum of the parts' checksums, with the number of parts behind a dash. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')));
  return `${checksumOf(algorithm, bytes)}-${parts.length}`;
}

function digestOf(algorithm: ChecksumAlgorithm, body: Uint8Array): Buffer {
  if (algorithm === 'SHA1' || algorithm === 'SHA256') {
    return createHash(algorithm.toLowerCase()).update(body).digest();
  }
  if (algorithm === 'CRC64NVME') return crc64nvme(body);
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(algorithm === 'CRC32' ? crc32(body) : crc32With(table32c(), body));
  return digest;
}

// Node has it from 20.15 on; the table serves the ones before.
const native = (zlib as { crc32?: (data: Uint8Array) => number }).crc32;
const crc32 = (body: Uint8Array) => (native === undefined ? crc32With(table32(), body) : native(body));

const tables = new Map<number, Uint32Array>();
const table32 = () => tableOf(0xedb88320);
const table32c = () => tableOf(0x82f63b78);

function tableOf(polynomial: number): Uint32Array {
  let table = tables.get(polynomial);
  if (table !== undefined) return table;
  table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    table[i] = value;
  }
  tables.set(polynomial, table);
  return table;
}

function crc32With(table: Uint32Array, body: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < body.length; i++) crc = table[(crc ^ body[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

let table64: { readonly high: Uint32Array; readonly low: Uint32Array } | undefined;

/** CRC-64/NVME (reflected polynomial 9A6C9329AC4BC9B5), in two halves since BigInt would be slow. */
function crc64nvme(body: Uint8Array): Buffer {
  table64 ??= makeTable64();
  const { high, low } = table64;
  let crcHigh = 0xffffffff;
  let crcLow = 0xffffffff;
  for (let i = 0; i < body.length; i++) {
    const index = (crcLow ^ body[i]!) & 0xff;
    crcLow = ((crcLow >>> 8) | (crcHigh << 24)) ^ low[index]!;
    crcHigh = (crcHigh >>> 8) ^ high[index]!;
  }
  const digest = Buffer.alloc(8);
  digest.writeUInt32BE((crcHigh ^ 0xffffffff) >>> 0, 0);
  digest.writeUInt32BE((crcLow ^ 0xffffffff) >>> 0, 4);
  return digest;
}

function makeTable64() {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = BigInt(i);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n;
    high[i] = Number(value >> 32n);
    low[i] = Number(value & 0xffffffffn);
  }
  return { high, low };
}

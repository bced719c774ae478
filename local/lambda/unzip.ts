import { inflateRawSync } from 'node:zlib';
import { ServiceError } from '../cloud.ts';
import { checksumOf } from '../s3/checksums.ts';

/** "250 MB: The maximum size of the contents of a deployment package, including layers … (unzipped)" (Lambda quotas). */
export const MAXIMUM_UNZIPPED = 262_144_000;

export interface ZipEntry {
  /** Below the archive's root, with `/`. */
  readonly path: string;
  readonly content: Buffer;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * The files of a .zip archive, one after the other, read by its central directory (APPNOTE 4.3.12): stored and deflated
 * ones. What is cut off, encrypted, of another method, damaged or would lie outside the archive's folder is refused as Lambda
 * refuses what it can't unzip, and nothing grows beyond the limit, whatever sizes the archive claims.
 */
export function* unzip(archive: Buffer): Generator<ZipEntry> {
  const end = endOf(archive);
  const count = archive.readUInt16LE(end + 10);
  if (count === 0) throw refused('Uploaded file must be a non-empty zip');
  let at = archive.readUInt32LE(end + 16);
  let left = MAXIMUM_UNZIPPED;
  for (let i = 0; i < count; i++) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== CENTRAL) throw broken();
    const nameLength = archive.readUInt16LE(at + 28);
    const path = archive.toString('utf8', at + 46, at + 46 + nameLength).replaceAll('\\', '/');
    if (!path.endsWith('/')) {
      const content = contentOf(archive, at, left);
      left -= content.length;
      yield { path: checkedPath(path), content };
    }
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
}

/** The end record lies before a comment of at most 64 KiB. */
function endOf(archive: Buffer): number {
  for (let at = archive.length - 22; at >= Math.max(0, archive.length - 22 - 0xffff); at--) {
    if (archive.readUInt32LE(at) === END) return at;
  }
  throw broken();
}

function contentOf(archive: Buffer, central: number, most: number): Buffer {
  const encrypted = (archive.readUInt16LE(central + 8) & 1) === 1;
  const method = archive.readUInt16LE(central + 10);
  const packed = archive.readUInt32LE(central + 20);
  const size = archive.readUInt32LE(central + 24);
  const local = archive.readUInt32LE(central + 42);
  if (encrypted || local + 30 > archive.length || archive.readUInt32LE(local) !== LOCAL) throw broken();
  if (size > most) throw tooLarge();
  const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  if (from + packed > archive.length) throw broken();
  const content = unpack(method, archive.subarray(from, from + packed), size);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(archive.readUInt32LE(central + 16));
  if (content.length !== size || checksumOf('CRC32', content) !== crc.toString('base64')) throw broken();
  return content;
}

function unpack(method: number, packed: Buffer, size: number): Buffer {
  if (method === 0) return packed;
  if (method !== 8) throw broken();
  try {
    // One byte more than claimed is enough to see that the claim is wrong.
    return inflateRawSync(packed, { maxOutputLength: size + 1 });
  } catch {
    throw broken();
  }
}

function checkedPath(path: string): string {
  if (path === '' || path.startsWith('/') || /^[A-Za-z]:/.test(path) || path.includes('\0')) throw broken();
  if (path.split('/').includes('..')) throw broken();
  return path;
}

const refused = (message: string) => new ServiceError('InvalidParameterValueException', message);
const broken = () => refused('Could not unzip uploaded file. Please check your file, then try to upload again.');
const tooLarge = () => refused(`Unzipped size must be smaller than ${MAXIMUM_UNZIPPED} bytes`);

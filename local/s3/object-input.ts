import { createHash } from 'node:crypto';
import { type Json, ServiceError } from '../cloud.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumOf } from './checksums.ts';
import { badDigest, invalidArgument, invalidRequest } from './errors.ts';
import type { ObjectMeta } from './object-store.ts';

const STORED_HEADERS = [
  'ContentType',
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'Expires',
  'StorageClass',
] as const;

/** Of a write: members that every kind of write may have. */
export const WRITE_MEMBERS = [
  'Bucket',
  'Key',
  'Metadata',
  ...STORED_HEADERS,
  'Tagging',
  'ServerSideEncryption',
  'SSEKMSKeyId',
  'BucketKeyEnabled',
  'ACL',
  'ExpectedBucketOwner',
  'RequestPayer',
] as const;

export const CHECKSUM_MEMBERS = [
  'ContentMD5',
  'ChecksumAlgorithm',
  ...CHECKSUM_ALGORITHMS.map((algorithm) => `Checksum${algorithm}`),
];

/** "The name for a key is a sequence of Unicode characters whose UTF-8 encoding is at most 1,024 bytes long." */
export function keyOf(input: Json): string {
  const key: unknown = input.Key;
  if (typeof key !== 'string' || key === '') throw invalidArgument('Object key must not be empty', 'Key', key);
  if (Buffer.byteLength(key) > 1024) {
    throw new ServiceError('KeyTooLongError', 'Your key is too long', {
      fields: { Size: Buffer.byteLength(key), MaxSizeAllowed: 1024 },
    });
  }
  return key;
}

export function bodyOf(input: Json): Buffer {
  const body: unknown = input.Body ?? '';
  if (Buffer.isBuffer(body)) return body;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (typeof body === 'string') return Buffer.from(body);
  throw invalidArgument('Body must be bytes or text', 'Body', typeof body);
}

/** The headers and metadata to keep with a new object; what has no meaning here is refused. */
export function describe(input: Json): Pick<ObjectMeta, 'headers' | 'metadata'> {
  if (input.ACL !== undefined && !['private', 'bucket-owner-full-control'].includes(input.ACL)) {
    throw new ServiceError('AccessControlListNotSupported', 'The bucket does not allow ACLs');
  }
  const headers: Record<string, string> = { ContentType: 'binary/octet-stream' };
  for (const name of STORED_HEADERS) if (input[name] !== undefined && input[name] !== '') headers[name] = input[name];
  const metadata: Record<string, string> = {};
  let size = 0;
  for (const [name, value] of Object.entries<string>(input.Metadata ?? {})) {
    metadata[name.toLowerCase()] = value;
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  // "The user-defined metadata is limited to 2 KB in size."
  if (size > 2048) {
    throw new ServiceError('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size');
  }
  return { headers, metadata };
}

/** Compares every checksum that was sent with the bytes that came. */
export function verifyChecksums(input: Json, body: Buffer): Partial<Record<ChecksumAlgorithm, string>> {
  if (input.ContentMD5 !== undefined) {
    if (Buffer.from(input.ContentMD5, 'base64').length !== 16) {
      throw new ServiceError('InvalidDigest', 'The Content-MD5 you specified was invalid.');
    }
    if (createHash('md5').update(body).digest('base64') !== input.ContentMD5) {
      throw new ServiceError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
  }
  const checksums: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const given: string | undefined = input[`Checksum${algorithm}`];
    if (given === undefined && input.ChecksumAlgorithm !== algorithm) continue;
    const actual = checksumOf(algorithm, body);
    if (given !== undefined && Buffer.from(given, 'base64').length !== Buffer.from(actual, 'base64').length)
      throw invalidRequest(`Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`);
    if (given !== undefined && given !== actual) throw badDigest(algorithm);
    checksums[algorithm] = actual;
  }
  return checksums;
}

export function checksumFields(meta: Pick<ObjectMeta, 'checksums' | 'checksumType'>): Json {
  const fields: Json = {};
  for (const [algorithm, value] of Object.entries(meta.checksums ?? {})) fields[`Checksum${algorithm}`] = value;
  if (meta.checksumType !== undefined) fields.ChecksumType = meta.checksumType;
  return fields;
}

/** S3 keeps whole seconds. */
export function isoSeconds(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString();
}

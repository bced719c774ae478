import { createHash } from 'node:crypto';
import { type Json, ServiceError } from '../cloud.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumOf } from './checksums.ts';
import { checkReadConditions, checkWriteConditions } from './conditions.ts';
import { badDigest, invalidArgument, invalidRequest, noSuchKey, notFound, notImplemented } from './errors.ts';
import type { Bucket, ObjectMeta } from './object-store.ts';

/** What an operation may use. */
export interface ObjectContext {
  bucketOf(input: Json): Bucket;
  now(): number;
}

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

export function putObject(input: Json, context: ObjectContext): Json {
  const bucket = context.bucketOf(input);
  const key = keyOf(input);
  const body = bodyOf(input);
  checkWriteConditions(input, key, bucket.get(key));
  const checksums = verifyChecksums(input, body);
  const meta = bucket.put(
    {
      key,
      size: body.length,
      etag: createHash('md5').update(body).digest('hex'),
      modifiedMs: context.now(),
      ...describe(input),
      ...(Object.keys(checksums).length > 0 && { checksums, checksumType: 'FULL_OBJECT' }),
    },
    body,
  );
  return { ETag: `"${meta.etag}"`, ServerSideEncryption: 'AES256', ...checksumFields(meta), Size: meta.size };
}

export function getObject(input: Json, context: ObjectContext): Json {
  const bucket = context.bucketOf(input);
  const meta = bucket.get(keyOf(input));
  if (meta === undefined) throw noSuchKey(input.Key);
  checkReadConditions(input, meta);
  const range = rangeOf(input, meta);
  const body = bucket.read(meta, range?.start ?? 0, range?.end ?? meta.size);
  if (body === undefined) throw noSuchKey(input.Key);
  return { ...headOf(input, meta, range), Body: body };
}

export function headObject(input: Json, context: ObjectContext): Json {
  const meta = context.bucketOf(input).get(keyOf(input));
  if (meta === undefined) throw notFound();
  checkReadConditions(input, meta);
  return headOf(input, meta, rangeOf(input, meta));
}

export function deleteObject(input: Json, context: ObjectContext): Json {
  if (input.VersionId !== undefined && input.VersionId !== 'null') throw notImplemented('VersionId');
  const bucket = context.bucketOf(input);
  const key = keyOf(input);
  if (input.IfMatch !== undefined) checkWriteConditions({ IfMatch: input.IfMatch }, key, bucket.get(key));
  bucket.remove(key);
  return {};
}

/** "The request can contain a list of up to 1,000 keys." */
export function deleteObjects(input: Json, context: ObjectContext): Json {
  const bucket = context.bucketOf(input);
  const objects: Json[] = input.Delete?.Objects ?? [];
  if (objects.length === 0 || objects.length > 1000) {
    throw new ServiceError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  }
  const deleted: Json[] = [];
  const errors: Json[] = [];
  for (const { Key, VersionId, ETag } of objects) {
    try {
      deleteObject({ Bucket: bucket.name, Key, VersionId, IfMatch: ETag }, context);
      deleted.push({ Key });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      errors.push({ Key, Code: error.code, Message: error.message });
    }
  }
  return {
    ...(input.Delete.Quiet !== true && deleted.length > 0 && { Deleted: deleted }),
    ...(errors.length > 0 && { Errors: errors }),
  };
}

export function copyObject(input: Json, context: ObjectContext): Json {
  const bucket = context.bucketOf(input);
  const key = keyOf(input);
  const { source, meta: from } = sourceOf(input, context);
  checkReadConditions(input, from, 'CopySource');
  checkWriteConditions(input, key, bucket.get(key));
  const replace = input.MetadataDirective === 'REPLACE';
  if (source === bucket && from.key === key && !replace) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const body = source.read(from, 0, from.size);
  if (body === undefined) throw noSuchKey(from.key);
  const described = replace ? describe(input) : { headers: from.headers, metadata: from.metadata };
  const algorithm = input.ChecksumAlgorithm as ChecksumAlgorithm | undefined;
  const checksums = algorithm === undefined ? from.checksums : { [algorithm]: checksumOf(algorithm, body) };
  const meta = bucket.put(
    {
      key,
      size: body.length,
      // A copy in one piece is one object, whatever the source was made of.
      etag: createHash('md5').update(body).digest('hex'),
      modifiedMs: context.now(),
      ...described,
      ...(checksums !== undefined && from.checksumType !== 'COMPOSITE' && { checksums, checksumType: 'FULL_OBJECT' }),
    },
    body,
  );
  return {
    CopyObjectResult: { ETag: `"${meta.etag}"`, LastModified: isoSeconds(meta.modifiedMs), ...checksumFields(meta) },
    ServerSideEncryption: 'AES256',
  };
}

/** `CopySource` is `bucket/key`, URL-encoded. */
export function sourceOf(input: Json, context: ObjectContext): { source: Bucket; meta: ObjectMeta } {
  const text = decodeURIComponent(String(input.CopySource ?? '')).replace(/^\//, '');
  const [path = '', query] = splitOnce(text, '?versionId=');
  if (query !== undefined && query !== 'null') throw notImplemented('versionId in CopySource');
  const [name = '', key] = splitOnce(path, '/');
  if (key === undefined || key === '') {
    throw invalidArgument(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      'x-amz-copy-source',
      text,
    );
  }
  const source = context.bucketOf({ Bucket: name });
  const meta = source.get(key);
  if (meta === undefined) throw noSuchKey(key);
  return { source, meta };
}

function splitOnce(text: string, by: string): [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + by.length)];
}

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

interface Range {
  readonly start: number;
  readonly end: number;
}

function headOf(input: Json, meta: ObjectMeta, range: Range | undefined): Json {
  const { StorageClass, ...headers } = meta.headers;
  return {
    ...headers,
    ...(StorageClass !== undefined && StorageClass !== 'STANDARD' && { StorageClass }),
    AcceptRanges: 'bytes',
    ETag: `"${meta.etag}"`,
    LastModified: isoSeconds(meta.modifiedMs),
    ContentLength: range === undefined ? meta.size : range.end - range.start,
    ...(range !== undefined && { ContentRange: `bytes ${range.start}-${range.end - 1}/${meta.size}` }),
    ...(input.PartNumber !== undefined && meta.parts !== undefined && { PartsCount: meta.parts.length }),
    ...(input.ChecksumMode === 'ENABLED' && range === undefined && checksumFields(meta)),
    Metadata: meta.metadata,
    ServerSideEncryption: 'AES256',
  };
}

/** One byte range, as in RFC 9110; S3 "doesn't support retrieving multiple ranges of data per GET request". */
function rangeOf(input: Json, meta: ObjectMeta): Range | undefined {
  if (input.PartNumber !== undefined) return partRange(Number(input.PartNumber), meta);
  if (input.Range === undefined) return undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(input.Range);
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  const start = first === '' ? Math.max(0, meta.size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? meta.size : Math.min(meta.size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= meta.size || (first === '' && Number(last) === 0)) {
    throw new ServiceError('InvalidRange', 'The requested range is not satisfiable', {
      status: 416,
      fields: { RangeRequested: input.Range, ActualObjectSize: meta.size },
    });
  }
  return { start, end };
}

function partRange(part: number, meta: ObjectMeta): Range {
  const parts = meta.parts ?? [meta.size];
  if (!Number.isInteger(part) || part < 1 || part > parts.length) {
    throw new ServiceError('InvalidPartNumber', 'The requested partnumber is not satisfiable', { status: 416 });
  }
  const start = parts.slice(0, part - 1).reduce((sum, size) => sum + size, 0);
  return { start, end: start + parts[part - 1]! };
}

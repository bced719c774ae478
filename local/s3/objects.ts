import { createHash } from 'node:crypto';
import { type Json, ServiceError } from '../cloud.ts';
import { type ChecksumAlgorithm, checksumOf } from './checksums.ts';
import { checkReadConditions, checkWriteConditions } from './conditions.ts';
import { invalidArgument, invalidRequest, noSuchKey, notFound, notImplemented } from './errors.ts';
import { bodyOf, checksumFields, describe, isoSeconds, keyOf, verifyChecksums } from './object-input.ts';
import type { Bucket, ObjectMeta } from './object-store.ts';
import { keep, tagCount, tagsOfHeader } from './tagging.ts';

/** What an operation may use. */
export interface ObjectContext {
  bucketOf(input: Json): Bucket;
  now(): number;
}

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
      ...tagsOfHeader(input),
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
  // "TaggingDirective: COPY | REPLACE. The default value is COPY."
  const tags = input.TaggingDirective === 'REPLACE' ? tagsOfHeader(input) : keep(from.tags ?? {});
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
      ...tags,
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
    ...tagCount(meta),
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

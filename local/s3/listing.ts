import type { Json } from '../cloud.ts';
import { invalidArgument } from './errors.ts';
import { positionOf } from './key-order.ts';
import { isoSeconds } from './object-input.ts';
import type { ObjectContext } from './objects.ts';

interface Page {
  readonly contents: Json[];
  readonly prefixes: Json[];
  readonly truncated: boolean;
  /** The last key or common prefix of the page. */
  readonly last: string;
}

const OWNER = { ID: 'daybook', DisplayName: 'daybook' };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjectsV2(input: Json, context: ObjectContext): Json {
  const after =
    input.ContinuationToken === undefined ? (input.StartAfter ?? '') : afterToken(String(input.ContinuationToken));
  const maxKeys = maxKeysOf(input);
  const page = listPage(input, context, after, maxKeys, input.FetchOwner === true);
  const encode = encoder(input);
  return {
    Name: input.Bucket,
    Prefix: encode(input.Prefix ?? ''),
    ...(input.Delimiter !== undefined && { Delimiter: encode(input.Delimiter) }),
    ...(input.StartAfter !== undefined && { StartAfter: encode(input.StartAfter) }),
    ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
    ...(input.ContinuationToken !== undefined && { ContinuationToken: input.ContinuationToken }),
    MaxKeys: maxKeys,
    KeyCount: page.contents.length + page.prefixes.length,
    IsTruncated: page.truncated,
    ...(page.truncated && { NextContinuationToken: toToken(page.last) }),
    ...(page.contents.length > 0 && { Contents: page.contents }),
    ...(page.prefixes.length > 0 && { CommonPrefixes: page.prefixes }),
  };
}

/** The older form, which pages by marker. */
export function listObjects(input: Json, context: ObjectContext): Json {
  const maxKeys = maxKeysOf(input);
  const page = listPage(input, context, input.Marker ?? '', maxKeys, true);
  const encode = encoder(input);
  return {
    Name: input.Bucket,
    Prefix: encode(input.Prefix ?? ''),
    Marker: encode(input.Marker ?? ''),
    ...(input.Delimiter !== undefined && { Delimiter: encode(input.Delimiter) }),
    ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
    MaxKeys: maxKeys,
    IsTruncated: page.truncated,
    // "This element is returned only if you have the delimiter request parameter specified."
    ...(page.truncated && input.Delimiter !== undefined && { NextMarker: encode(page.last) }),
    ...(page.contents.length > 0 && { Contents: page.contents }),
    ...(page.prefixes.length > 0 && { CommonPrefixes: page.prefixes }),
  };
}

function listPage(input: Json, context: ObjectContext, after: string, maxKeys: number, owner: boolean): Page {
  const bucket = context.bucketOf(input);
  const { keys } = bucket;
  const prefix: string = input.Prefix ?? '';
  const delimiter: string = input.Delimiter ?? '';
  const encode = encoder(input);
  const contents: Json[] = [];
  const prefixes: Json[] = [];
  // A page that ended on a common prefix goes on behind all of that prefix's keys.
  let position =
    delimiter !== '' && after.startsWith(prefix) && after.endsWith(delimiter) && after.length > prefix.length
      ? positionOf(keys, behind(after))
      : positionOf(keys, after, true);
  position = Math.max(position, positionOf(keys, prefix));
  let last = '';
  for (; position < keys.length; ) {
    const key = keys[position]!;
    if (!key.startsWith(prefix)) break;
    if (contents.length + prefixes.length >= maxKeys) return { contents, prefixes, truncated: maxKeys > 0, last };
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (cut >= 0) {
      last = key.slice(0, cut + delimiter.length);
      prefixes.push({ Prefix: encode(last) });
      position = positionOf(keys, behind(last));
      continue;
    }
    const meta = bucket.get(key)!;
    last = key;
    contents.push({
      Key: encode(key),
      LastModified: isoSeconds(meta.modifiedMs),
      ETag: `"${meta.etag}"`,
      Size: meta.size,
      StorageClass: meta.headers.StorageClass ?? 'STANDARD',
      ...(meta.checksums !== undefined && { ChecksumAlgorithm: Object.keys(meta.checksums) }),
      ...(meta.checksumType !== undefined && { ChecksumType: meta.checksumType }),
      ...(owner && { Owner: OWNER }),
    });
    position++;
  }
  return { contents, prefixes, truncated: false, last };
}

/** Greater than every key that begins with the prefix. */
const behind = (prefix: string) => `${prefix}\u{10ffff}\u{10ffff}`;

/** "By default, the action returns up to 1,000 key names"; never more. */
function maxKeysOf(input: Json): number {
  if (input.MaxKeys === undefined) return 1000;
  const maxKeys = Number(input.MaxKeys);
  if (!Number.isInteger(maxKeys) || maxKeys < 0) {
    throw invalidArgument('Provided max-keys not an integer or within integer range', 'max-keys', input.MaxKeys);
  }
  return Math.min(maxKeys, 1000);
}

export function encoder(input: Json): (text: string) => string {
  if (input.EncodingType === undefined) return (text) => text;
  if (input.EncodingType !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', input.EncodingType);
  }
  return (text) => encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%20', '+');
}

const toToken = (last: string) => Buffer.from(`1${last}`).toString('base64');

function afterToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString();
  if (!text.startsWith('1'))
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token');
  return text.slice(1);
}

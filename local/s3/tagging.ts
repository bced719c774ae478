import { type Json, ServiceError } from '../cloud.ts';
import { noSuchKey, notImplemented } from './errors.ts';
import { keyOf } from './object-input.ts';
import type { ObjectMeta } from './object-store.ts';
import type { ObjectContext } from './objects.ts';

export type Tags = Readonly<Record<string, string>>;

/** The `x-amz-tagging` of a write: "The tag-set must be encoded as URL Query parameters." */
export function tagsOfHeader(input: Json): Pick<ObjectMeta, 'tags'> {
  if (input.Tagging === undefined) return {};
  const pairs = [...new URLSearchParams(String(input.Tagging))];
  return keep(checkTags(pairs.map(([Key, Value]) => ({ Key, Value }))));
}

/** As an object's record has them: an object without tags has no such member. */
export const keep = (tags: Tags): Pick<ObjectMeta, 'tags'> => (Object.keys(tags).length === 0 ? {} : { tags });

/** "TagCount: The number of tags, if any, on the object." */
export const tagCount = ({ tags }: ObjectMeta): Json =>
  tags === undefined ? {} : { TagCount: Object.keys(tags).length };

export function getObjectTagging(input: Json, context: ObjectContext): Json {
  const { meta } = find(input, context);
  return { TagSet: Object.entries(meta.tags ?? {}).map(([Key, Value]) => ({ Key, Value })) };
}

export function putObjectTagging(input: Json, context: ObjectContext): Json {
  const { bucket, meta } = find(input, context);
  if (!Array.isArray(input.Tagging?.TagSet)) {
    throw new ServiceError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  }
  const { tags: _, ...rest } = meta;
  bucket.describe({ ...rest, ...keep(checkTags(input.Tagging.TagSet)) });
  return {};
}

export function deleteObjectTagging(input: Json, context: ObjectContext): Json {
  const { bucket, meta } = find(input, context);
  const { tags: _, ...rest } = meta;
  bucket.describe(rest);
  return {};
}

function find(input: Json, context: ObjectContext) {
  if (input.VersionId !== undefined && input.VersionId !== 'null') throw notImplemented('VersionId');
  const bucket = context.bucketOf(input);
  const meta = bucket.get(keyOf(input));
  if (meta === undefined) throw noSuchKey(input.Key);
  return { bucket, meta };
}

/**
 * "You can associate up to 10 tags with an object. Tags that are associated with an object must have unique tag keys. A tag key
 * can be up to 128 Unicode characters in length, and tag values can be up to 256 Unicode characters in length." And of what they
 * may hold: "letters, spaces, and numbers, and … + - = . _ : / @", no key of `aws:`.
 */
function checkTags(set: readonly Json[]): Tags {
  if (set.length > 10) throw new ServiceError('BadRequest', 'Object tags cannot be greater than 10');
  const tags: Record<string, string> = {};
  for (const { Key, Value = '' } of set) {
    if (typeof Key !== 'string' || Key === '' || Key.length > 128 || !ALLOWED.test(Key) || /^aws:/i.test(Key)) {
      throw new ServiceError('InvalidTag', 'The TagKey you have provided is invalid');
    }
    if (Value.length > 256 || !ALLOWED.test(Value)) {
      throw new ServiceError('InvalidTag', 'The TagValue you have provided is invalid');
    }
    if (Object.hasOwn(tags, Key))
      throw new ServiceError('InvalidTag', 'Cannot provide multiple Tags with the same key');
    tags[Key] = Value;
  }
  return tags;
}

const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

import type { Json } from '../cloud.ts';
import { noSuchKey, notImplemented, notModified, preconditionFailed } from './errors.ts';
import type { ObjectMeta } from './object-store.ts';

/** A conditional write: `If-None-Match: *` only creates, `If-Match: <etag>` only replaces that one. */
export function checkWriteConditions(input: Json, key: string, current: ObjectMeta | undefined): void {
  // "Expects the '*' (asterisk) character."
  if (input.IfNoneMatch !== undefined && input.IfNoneMatch.trim() !== '*')
    throw notImplemented('A conditional write with If-None-Match of anything but *');
  if (input.IfNoneMatch !== undefined && current !== undefined && matches(input.IfNoneMatch, current)) {
    throw preconditionFailed('If-None-Match');
  }
  if (input.IfMatch !== undefined) {
    // "If there's no current object version with the same name … the operation fails with a 404 Not Found error."
    if (current === undefined) throw noSuchKey(key);
    if (!matches(input.IfMatch, current)) throw preconditionFailed('If-Match');
  }
}

/**
 * A conditional read. "If both If-Match and If-Unmodified-Since are present and If-Match is true, the result is 200 OK;
 * if both If-None-Match and If-Modified-Since are present and If-None-Match is false, the result is 304."
 */
export function checkReadConditions(input: Json, current: ObjectMeta, prefix = ''): void {
  const ifMatch = input[`${prefix}IfMatch`];
  const ifNoneMatch = input[`${prefix}IfNoneMatch`];
  const modifiedSince = input[`${prefix}IfModifiedSince`];
  const unmodifiedSince = input[`${prefix}IfUnmodifiedSince`];
  const modified = seconds(current.modifiedMs);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current)) throw preconditionFailed('If-Match');
  } else if (unmodifiedSince !== undefined && modified > seconds(Date.parse(unmodifiedSince))) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  const unchanged = () =>
    prefix === '' ? notModified(`"${current.etag}"`) : preconditionFailed('x-amz-copy-source-if');
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, current)) throw unchanged();
  } else if (modifiedSince !== undefined && modified <= seconds(Date.parse(modifiedSince))) {
    throw unchanged();
  }
}

function matches(given: string, current: ObjectMeta): boolean {
  return given.split(',').some((part) => {
    const etag = part.trim().replace(/^W\//, '').replaceAll('"', '');
    return etag === '*' || etag === current.etag;
  });
}

// HTTP dates know no milliseconds.
const seconds = (ms: number) => Math.floor(ms / 1000);

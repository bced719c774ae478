import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { QueryFailure } from './errors.ts';
import type { QueryContext } from './relations.ts';

export interface S3Location {
  readonly bucket: string;
  /** Ends with a slash, or is empty. */
  readonly prefix: string;
}

export function parseLocation(location: string): S3Location {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(location);
  if (match === null) throw new QueryFailure(`INVALID_LOCATION: ${location} is no s3:// address`);
  const prefix = match[2] ?? '';
  return { bucket: match[1]!, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

export async function putObject(
  context: QueryContext,
  bucket: string,
  key: string,
  body: Buffer,
  contentType?: string,
): Promise<void> {
  await context.cloud.call(context.caller, 's3', 'PutObject', {
    Bucket: bucket,
    Key: key,
    Body: body,
    ...(contentType !== undefined && { ContentType: contentType }),
  });
}

/** "The S3 location must be empty": so that nothing is mixed up. */
export async function checkEmpty(context: QueryContext, location: S3Location): Promise<void> {
  const { bucket: Bucket, prefix: Prefix } = location;
  const { Contents } = await context.cloud.call(context.caller, 's3', 'ListObjectsV2', { Bucket, Prefix, MaxKeys: 1 });
  if (Contents !== undefined) {
    throw new QueryFailure(
      `HIVE_PATH_ALREADY_EXISTS: Target directory for table already exists: s3://${Bucket}/${Prefix}`,
    );
  }
}

/** Uploads what DuckDB wrote into a folder; gives the addresses and the bytes. */
export async function uploadFolder(
  context: QueryContext,
  folder: string,
  location: S3Location,
  nameOf: (below: string, index: number) => string,
): Promise<{ readonly addresses: string[]; readonly bytes: number }> {
  const addresses: string[] = [];
  let bytes = 0;
  for (const [index, path] of filesBelow(folder).sort().entries()) {
    const body = readFileSync(join(folder, path));
    const below = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
    const key = `${location.prefix}${below}${nameOf(path, index)}`;
    await putObject(context, location.bucket, key, body);
    addresses.push(`s3://${location.bucket}/${key}`);
    bytes += body.length;
  }
  rmSync(folder, { recursive: true, force: true });
  return { addresses, bytes };
}

export function filesBelow(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below)).flatMap((name) => {
    const path = below === '' ? name : `${below}/${name}`;
    return statSync(join(folder, path)).isDirectory() ? filesBelow(folder, path) : [path];
  });
}

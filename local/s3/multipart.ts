import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Json, ServiceError } from '../cloud.ts';
import { type ChecksumAlgorithm, checksumOf, compositeChecksum } from './checksums.ts';
import { checkWriteConditions } from './conditions.ts';
import { badDigest, invalidArgument, invalidRequest, noSuchKey, noSuchUpload } from './errors.ts';
import { compareKeys } from './key-order.ts';
import { bodyOf, checksumFields, describe, isoSeconds, keyOf, verifyChecksums } from './object-input.ts';
import type { ObjectMeta } from './object-store.ts';
import { type ObjectContext, sourceOf } from './objects.ts';
import { tagsOfHeader } from './tagging.ts';

interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly startedMs: number;
  readonly described: Pick<ObjectMeta, 'headers' | 'metadata' | 'tags'>;
  readonly algorithm?: ChecksumAlgorithm;
  readonly checksumType?: 'FULL_OBJECT' | 'COMPOSITE';
}

interface Part {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly checksums: Partial<Record<ChecksumAlgorithm, string>>;
}

/** "Each part must be at least 5 MB in size, except the last part." */
const SMALLEST_PART = 5 * 1024 * 1024;

/** Uploads in parts, kept on the disk until they are completed or aborted. */
export interface Uploads {
  create(input: Json): Json;
  uploadPart(input: Json): Json;
  uploadPartCopy(input: Json): Json;
  complete(input: Json): Json;
  abort(input: Json): Json;
  listParts(input: Json): Json;
  listUploads(input: Json): Json;
}

export function openUploads(dir: string, context: ObjectContext, freshName: () => string): Uploads {
  const uploads = new Map<string, { readonly upload: Upload; readonly parts: Map<number, Part> }>();
  mkdirSync(dir, { recursive: true });
  for (const id of readdirSync(dir)) {
    const about = join(dir, id, 'upload.json');
    if (!existsSync(about)) continue;
    const parts = new Map<number, Part>();
    for (const file of readdirSync(join(dir, id))) {
      if (!/^\d+\.json$/.test(file)) continue;
      const part: Part = JSON.parse(readFileSync(join(dir, id, file), 'utf8'));
      parts.set(part.number, part);
    }
    uploads.set(id, { upload: JSON.parse(readFileSync(about, 'utf8')), parts });
  }

  const find = (input: Json) => {
    const found = uploads.get(input.UploadId);
    if (found === undefined || found.upload.bucket !== context.bucketOf(input).name || found.upload.key !== input.Key) {
      throw noSuchUpload(String(input.UploadId));
    }
    return found;
  };
  const bytesOf = (upload: Upload, part: Part) => join(dir, upload.id, String(part.number));

  const storePart = (input: Json, body: Buffer): Part => {
    const { upload, parts } = find(input);
    const number = Number(input.PartNumber);
    if (!Number.isInteger(number) || number < 1 || number > 10000) {
      throw invalidArgument(
        'Part number must be an integer between 1 and 10000, inclusive',
        'partNumber',
        input.PartNumber,
      );
    }
    const given = verifyChecksums(input, body);
    const { algorithm } = upload;
    const checksums =
      algorithm === undefined ? given : { [algorithm]: given[algorithm] ?? checksumOf(algorithm, body) };
    const etag = createHash('md5').update(body).digest('hex');
    const part: Part = { number, size: body.length, etag, modifiedMs: context.now(), checksums };
    const temporary = join(dir, upload.id, `new-${freshName()}`);
    writeFileSync(temporary, body);
    renameSync(temporary, bytesOf(upload, part));
    writeFileSync(`${temporary}.json`, JSON.stringify(part));
    renameSync(`${temporary}.json`, `${bytesOf(upload, part)}.json`);
    parts.set(number, part);
    return part;
  };

  const forget = (id: string) => {
    uploads.delete(id);
    rmSync(join(dir, id), { recursive: true, force: true });
  };

  return {
    create(input) {
      const bucket = context.bucketOf(input);
      const algorithm = input.ChecksumAlgorithm as ChecksumAlgorithm | undefined;
      const upload: Upload = {
        id: freshName(),
        bucket: bucket.name,
        key: keyOf(input),
        startedMs: context.now(),
        described: { ...describe(input), ...tagsOfHeader(input) },
        ...(algorithm !== undefined && {
          algorithm,
          // CRC64NVME is always of the whole object; the others are composite unless told.
          checksumType: algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : (input.ChecksumType ?? 'COMPOSITE'),
        }),
      };
      mkdirSync(join(dir, upload.id));
      writeFileSync(join(dir, upload.id, 'upload.json'), JSON.stringify(upload));
      uploads.set(upload.id, { upload, parts: new Map() });
      return {
        Bucket: bucket.name,
        Key: upload.key,
        UploadId: upload.id,
        ServerSideEncryption: 'AES256',
        ...(algorithm !== undefined && { ChecksumAlgorithm: algorithm, ChecksumType: upload.checksumType }),
      };
    },
    uploadPart(input) {
      const part = storePart(input, bodyOf(input));
      return { ETag: `"${part.etag}"`, ServerSideEncryption: 'AES256', ...checksumFields(part) };
    },
    uploadPartCopy(input) {
      const { source, meta } = sourceOf(input, context);
      const range = /^bytes=(\d+)-(\d+)$/.exec(input.CopySourceRange ?? `bytes=0-${meta.size - 1}`);
      if (range === null || Number(range[2]) >= meta.size) {
        throw invalidArgument(
          'The x-amz-copy-source-range value must be of the form bytes=first-last',
          'x-amz-copy-source-range',
          input.CopySourceRange,
        );
      }
      const body = source.read(meta, Number(range[1]), Number(range[2]) + 1);
      if (body === undefined) throw noSuchKey(meta.key);
      const { CopySource: _, ...rest } = input;
      const part = storePart(rest, body);
      return {
        CopyPartResult: { ETag: `"${part.etag}"`, LastModified: isoSeconds(part.modifiedMs), ...checksumFields(part) },
      };
    },
    complete(input) {
      const { upload, parts } = find(input);
      const bucket = context.bucketOf(input);
      checkWriteConditions(input, upload.key, bucket.get(upload.key));
      const chosen = chooseParts(input, parts);
      const size = chosen.reduce((sum, part) => sum + part.size, 0);
      if (input.MpuObjectSize !== undefined && Number(input.MpuObjectSize) !== size) {
        throw invalidRequest(`The provided 'x-amz-mp-object-size' header does not match what was computed: ${size}`);
      }
      const digests = Buffer.concat(chosen.map((part) => Buffer.from(part.etag, 'hex')));
      const checksum = wholeChecksum(upload, chosen, (part) => readFileSync(bytesOf(upload, part)));
      const sent = upload.algorithm === undefined ? undefined : input[`Checksum${upload.algorithm}`];
      if (sent !== undefined && sent !== checksum) throw badDigest(upload.algorithm!);
      const meta = bucket.put(
        {
          key: upload.key,
          size,
          etag: `${createHash('md5').update(digests).digest('hex')}-${chosen.length}`,
          modifiedMs: context.now(),
          ...upload.described,
          parts: chosen.map((part) => part.size),
          ...(checksum !== undefined && {
            checksums: { [upload.algorithm!]: checksum },
            checksumType: upload.checksumType!,
          }),
        },
        (temporary) => {
          writeFileSync(temporary, '');
          for (const part of chosen) appendFileSync(temporary, readFileSync(bytesOf(upload, part)));
        },
      );
      forget(upload.id);
      return {
        Location: `http://s3.localhost/${bucket.name}/${upload.key}`,
        Bucket: bucket.name,
        Key: upload.key,
        ETag: `"${meta.etag}"`,
        ServerSideEncryption: 'AES256',
        ...checksumFields(meta),
      };
    },
    abort(input) {
      forget(find(input).upload.id);
      return {};
    },
    listParts(input) {
      const { upload, parts } = find(input);
      const marker = Number(input.PartNumberMarker ?? 0);
      const most = Math.min(Number(input.MaxParts ?? 1000), 1000);
      const after = [...parts.values()].filter((part) => part.number > marker).sort((a, b) => a.number - b.number);
      const page = after.slice(0, most);
      return {
        Bucket: upload.bucket,
        Key: upload.key,
        UploadId: upload.id,
        PartNumberMarker: String(marker),
        MaxParts: most,
        IsTruncated: after.length > page.length,
        ...(after.length > page.length && { NextPartNumberMarker: String(page.at(-1)!.number) }),
        StorageClass: 'STANDARD',
        ...(upload.algorithm !== undefined && {
          ChecksumAlgorithm: upload.algorithm,
          ChecksumType: upload.checksumType,
        }),
        ...(page.length > 0 && {
          Parts: page.map((part) => ({
            PartNumber: part.number,
            LastModified: isoSeconds(part.modifiedMs),
            ETag: `"${part.etag}"`,
            Size: part.size,
            ...checksumFields(part),
          })),
        }),
      };
    },
    listUploads(input) {
      const bucket = context.bucketOf(input);
      const prefix: string = input.Prefix ?? '';
      const most = Math.min(Number(input.MaxUploads ?? 1000), 1000);
      const keyMarker: string = input.KeyMarker ?? '';
      const idMarker: string = input.UploadIdMarker ?? '';
      const after = [...uploads.values()]
        .map(({ upload }) => upload)
        .filter((upload) => upload.bucket === bucket.name && upload.key.startsWith(prefix))
        .sort((a, b) => compareKeys(a.key, b.key) || a.startedMs - b.startedMs || compareKeys(a.id, b.id));
      const at = after.findIndex((upload) => upload.key === keyMarker && upload.id === idMarker);
      const rest = at >= 0 ? after.slice(at + 1) : after.filter((upload) => compareKeys(upload.key, keyMarker) > 0);
      const page = rest.slice(0, most);
      return {
        Bucket: bucket.name,
        KeyMarker: keyMarker,
        UploadIdMarker: idMarker,
        Prefix: prefix,
        MaxUploads: most,
        IsTruncated: rest.length > page.length,
        ...(rest.length > page.length && { NextKeyMarker: page.at(-1)!.key, NextUploadIdMarker: page.at(-1)!.id }),
        ...(page.length > 0 && {
          Uploads: page.map((upload) => ({
            UploadId: upload.id,
            Key: upload.key,
            Initiated: isoSeconds(upload.startedMs),
            StorageClass: 'STANDARD',
            ...(upload.algorithm !== undefined && { ChecksumAlgorithm: upload.algorithm }),
          })),
        }),
      };
    },
  };
}

function chooseParts(input: Json, parts: ReadonlyMap<number, Part>): Part[] {
  const named: Json[] = input.MultipartUpload?.Parts ?? [];
  if (named.length === 0)
    throw new ServiceError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  let before = 0;
  const chosen: Part[] = [];
  for (const { PartNumber, ETag, ...rest } of named) {
    const number = Number(PartNumber);
    if (number <= before) {
      throw new ServiceError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
      );
    }
    before = number;
    const part = parts.get(number);
    const differs = Object.entries(part?.checksums ?? {}).some(
      ([algorithm, value]) => rest[`Checksum${algorithm}`] !== undefined && rest[`Checksum${algorithm}`] !== value,
    );
    if (part === undefined || part.etag !== String(ETag).replaceAll('"', '') || differs) {
      throw new ServiceError(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { fields: { PartNumber: number, ETag } },
      );
    }
    chosen.push(part);
  }
  for (const part of chosen.slice(0, -1)) {
    if (part.size < SMALLEST_PART) {
      throw new ServiceError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
        fields: { ProposedSize: part.size, MinSizeAllowed: SMALLEST_PART, PartNumber: part.number, ETag: part.etag },
      });
    }
  }
  return chosen;
}

function wholeChecksum(upload: Upload, parts: readonly Part[], read: (part: Part) => Buffer): string | undefined {
  const { algorithm } = upload;
  if (algorithm === undefined) return undefined;
  if (upload.checksumType === 'FULL_OBJECT') return checksumOf(algorithm, Buffer.concat(parts.map(read)));
  return compositeChecksum(
    algorithm,
    parts.map((part) => part.checksums[algorithm]!),
  );
}

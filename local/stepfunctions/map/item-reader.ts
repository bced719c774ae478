import { gunzipSync } from 'node:zlib';
import type { Json } from '../../cloud.ts';
import type { ItemReader } from '../definition/machine.ts';
import { evaluateInteger, evaluateTyped, isQueryEvaluationFailure } from '../expression/template.ts';
import { StateFailure } from '../failure.ts';
import type { Execution } from '../interpreter/execution.ts';
import type { MapItem, Strand } from '../interpreter/frame.ts';
import { toItems } from '../interpreter/perform-map.ts';
import { csvItems, parseCsv } from './csv.ts';
import { jsonLines, parquetItems } from './parquet.ts';

const ZSTD_MAGIC = 0xfd2fb528;

interface Location {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** Reads the items of a distributed Map from S3, with the role of the execution. */
export async function readItems(execution: Execution, strand: Strand, reader: ItemReader): Promise<readonly MapItem[]> {
  const bindings = execution.bindings(strand);
  const args = await evaluateTyped(reader.arguments, bindings, 'object');
  const limit = { min: 1, max: 100_000_000 };
  const maxItems =
    reader.maxItems === undefined ? Number.POSITIVE_INFINITY : await evaluateInteger(reader.maxItems, bindings, limit);
  try {
    const source = new Source(execution, reader, maxItems);
    const items = reader.resource === 'listObjectsV2' ? await source.listed(args) : await source.named(args);
    return items.length > maxItems ? items.slice(0, maxItems) : items;
  } catch (error) {
    if (isQueryEvaluationFailure(error)) throw error;
    throw new StateFailure('States.ItemReaderFailed', (error as Error).message, { origin: 'task' });
  }
}

class Source {
  readonly #execution: Execution;
  readonly #reader: ItemReader;
  readonly #maxItems: number;

  constructor(execution: Execution, reader: ItemReader, maxItems: number) {
    this.#execution = execution;
    this.#reader = reader;
    this.#maxItems = maxItems;
  }

  async named({ Bucket: bucket, Key: key, VersionId: versionId }: Json): Promise<readonly MapItem[]> {
    const location = { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
    if (this.#reader.manifestType === 'S3_INVENTORY' || this.#reader.inputType === 'MANIFEST')
      return await this.#inventory(location);
    if (this.#reader.manifestType !== 'ATHENA_DATA') return await this.#object(location);
    // The manifest of an UNLOAD: one s3:// address a line.
    const text = textOf(await this.#body(location));
    const files = parseCsv(text, ',').map(([address]) => parseAddress(address ?? ''));
    return await this.#objects(files);
  }

  /** "Each row in an inventory list is metadata of an object"; manifest.json says where the lists are, and their columns. */
  async #inventory(location: Location): Promise<readonly MapItem[]> {
    const { fileFormat, fileSchema, files, destinationBucket } = JSON.parse(textOf(await this.#body(location)));
    if (fileFormat !== 'CSV') throw new Error(`The inventory is written as ${fileFormat}; CSV is what can be read`);
    const headers = String(fileSchema).split(/, */);
    const bucket = String(destinationBucket ?? location.bucket).replace(/^arn:aws[a-z-]*:s3:::/, '');
    const items: MapItem[] = [];
    for (const { key } of files) {
      const text = textOf(await this.#body({ bucket, key }));
      for (const item of toItems(csvItems(text, { delimiter: ',', headers }), `S3://${bucket}/${key}`))
        items.push({ ...item, Index: items.length });
      if (items.length >= this.#maxItems) break;
    }
    return items;
  }

  async listed({ Bucket: bucket, Prefix: prefix }: Json): Promise<readonly MapItem[]> {
    const objects = await this.#list(bucket, prefix);
    if (this.#reader.flatten) {
      return await this.#objects(
        objects.filter(({ Key }) => !Key.endsWith('/')).map(({ Key }) => ({ bucket, key: Key })),
      );
    }
    return toItems(
      objects.map(({ ETag, Key, LastModified, Size, StorageClass }) => ({
        Etag: ETag,
        Key,
        LastModified: Math.floor(new Date(LastModified).getTime() / 1000),
        Size,
        StorageClass: StorageClass ?? 'STANDARD',
      })),
      `S3://${bucket}`,
    );
  }

  async #list(bucket: string, prefix: string | undefined): Promise<readonly Json[]> {
    const objects: Json[] = [];
    let token: string | undefined;
    do {
      const page = await this.#s3('ListObjectsV2', {
        Bucket: bucket,
        ...(prefix === undefined ? {} : { Prefix: prefix }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      objects.push(...(page.Contents ?? []));
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined && (this.#reader.flatten || objects.length < this.#maxItems));
    return objects;
  }

  async #objects(locations: readonly Location[]): Promise<readonly MapItem[]> {
    const items: MapItem[] = [];
    for (const location of locations) {
      for (const item of await this.#object(location)) items.push({ ...item, Index: items.length });
      if (items.length >= this.#maxItems) break;
    }
    return items;
  }

  async #object(location: Location): Promise<readonly MapItem[]> {
    const body = await this.#body(location);
    return toItems(await this.#parse(body), `S3://${location.bucket}/${location.key}`);
  }

  async #parse(body: Buffer): Promise<Json> {
    const { inputType, csvDelimiter, csvHeaders, itemsPointer } = this.#reader;
    switch (inputType) {
      case 'PARQUET':
        return await parquetItems(body, this.#maxItems);
      case 'JSONL':
        return jsonLines(textOf(body));
      case 'CSV':
        return csvItems(textOf(body), { delimiter: csvDelimiter, headers: csvHeaders });
      default: {
        const found = resolvePointer(JSON.parse(textOf(body)), itemsPointer ?? '');
        if (typeof found === 'object' && found !== null) return found;
        throw new Error('The file does not hold a JSON array or object where the items are read');
      }
    }
  }

  async #body({ bucket, key, versionId }: Location): Promise<Buffer> {
    const version = versionId === undefined ? {} : { VersionId: versionId };
    const { Body } = await this.#s3('GetObject', { Bucket: bucket, Key: key, ...version });
    return Buffer.from(Body ?? '');
  }

  async #s3(operation: string, input: Json): Promise<Json> {
    const { around, record } = this.#execution;
    return await around.cloud.call({ principal: record.roleArn }, 's3', operation, input);
  }
}

/** The text of a file, unpacked when it is packed: UNLOAD packs what it writes. */
function textOf(body: Buffer): string {
  if (body.length > 3 && body.readUInt32LE(0) === ZSTD_MAGIC)
    throw new Error('Files packed with zstd are not supported by this runtime');
  const packed = body[0] === 0x1f && body[1] === 0x8b;
  return (packed ? gunzipSync(body) : body).toString('utf8');
}

function parseAddress(address: string): Location {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address.trim()) ?? [];
  if (bucket === undefined || key === undefined) throw new Error(`The manifest names no S3 object: ${address}`);
  return { bucket, key };
}

/** RFC 6901. */
function resolvePointer(value: Json, pointer: string): Json {
  const steps = pointer.split('/').slice(1);
  return steps.reduce((found: Json, step) => found?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], value);
}

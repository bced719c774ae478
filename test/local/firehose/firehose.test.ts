import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDuckDb, type DuckDb } from '../../../local/athena/duckdb.ts';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { createFirehose, type Firehose, type FirehoseOptions } from '../../../local/firehose/firehose.ts';
import { createGlue } from '../../../local/glue/glue.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { createS3, type S3 } from '../../../local/s3/s3.ts';

const ROLE = 'arn:aws:iam::000000000000:role/delivery';
const START = Date.UTC(2026, 0, 2, 3, 4, 5);

let dir: string;
let kernel: VirtualKernel;
let cloud: Cloud;
let s3: S3;
let duckdb: DuckDb;
let firehose: Firehose;
/** The function behind the Lambda stand-in: it gets the event of each invocation. */
let transform: (event: Json) => Json;
let invocations: Json[];

const call = (service: 'firehose' | 's3' | 'glue' | 'kinesis', operation: string, input: Json): Promise<Json> =>
  cloud.call(ROOT, service, operation, input);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const unbase64 = (text: string) => Buffer.from(text, 'base64').toString();
const keys = async () =>
  ((await call('s3', 'ListObjectsV2', { Bucket: 'cold' })).Contents ?? []).map((one: Json) => one.Key as string);
const bytes = async (key: string): Promise<Buffer> =>
  (await call('s3', 'GetObject', { Bucket: 'cold', Key: key })).Body;
const errorsIn = async (key: string) =>
  (await bytes(key))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

async function open(more: Partial<FirehoseOptions> = {}) {
  kernel = virtualKernel({ seed: 1, startMs: START });
  cloud = createCloud(kernel);
  s3 = createS3(cloud, { dir: join(dir, 's3') });
  duckdb = createDuckDb(s3);
  createGlue(cloud, { dir: join(dir, 'glue') });
  createKinesis(cloud);
  invocations = [];
  cloud.register({
    name: 'lambda',
    handle(operation, input) {
      expect([operation, input.FunctionName]).toEqual(['Invoke', 'arn:aws:lambda:us-east-1:000000000000:function:t']);
      const event = JSON.parse(input.Payload.toString());
      invocations.push(event);
      const answer = transform(event);
      if (answer.FunctionError !== undefined) return { StatusCode: 200, Payload: Buffer.from('{}'), ...answer };
      return { StatusCode: 200, Payload: Buffer.from(JSON.stringify(answer)) };
    },
  });
  firehose = createFirehose(cloud, { duckdb, ...more });
  await call('s3', 'CreateBucket', { Bucket: 'cold' });
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-firehose-'));
  transform = ({ records }) => ({
    records: records.map(({ recordId, data }: Json) => ({ recordId, data, result: 'Ok' })),
  });
  await open();
});
afterEach(() => {
  firehose.close();
  duckdb.close();
  s3.close();
  rmSync(dir, { recursive: true });
});

const destination = (more: Json = {}) => ({ RoleARN: ROLE, BucketARN: 'arn:aws:s3:::cold', ...more });
const lambda = (parameters: Record<string, string> = {}) => ({
  Enabled: true,
  Processors: [
    {
      Type: 'Lambda',
      Parameters: Object.entries({ LambdaArn: 'arn:aws:lambda:us-east-1:000000000000:function:t', ...parameters }).map(
        ([ParameterName, ParameterValue]) => ({ ParameterName, ParameterValue }),
      ),
    },
  ],
});
const create = (ExtendedS3DestinationConfiguration: Json, more: Json = {}) =>
  call('firehose', 'CreateDeliveryStream', { DeliveryStreamName: 'out', ExtendedS3DestinationConfiguration, ...more });
const put = (...texts: string[]) =>
  call('firehose', 'PutRecordBatch', {
    DeliveryStreamName: 'out',
    Records: texts.map((text) => ({ Data: base64(text) })),
  });

const TABLE = {
  DatabaseName: 'db',
  TableInput: {
    Name: 'rows',
    StorageDescriptor: {
      Columns: [
        { Name: 'id', Type: 'string' },
        { Name: 'n', Type: 'bigint' },
      ],
    },
  },
};
const PARTITIONED = {
  Prefix: 'rows/day=!{timestamp:yyyy-MM-dd}/bucket=!{partitionKeyFromLambda:bucket}/',
  ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
  DynamicPartitioningConfiguration: { Enabled: true },
  ProcessingConfiguration: lambda(),
  DataFormatConversionConfiguration: {
    Enabled: true,
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
    SchemaConfiguration: { RoleARN: ROLE, DatabaseName: 'db', TableName: 'rows' },
  },
};
/** Partitions by the first letter of the id. */
const byFirstLetter = ({ records }: Json) => ({
  records: records.map(({ recordId, data }: Json) => ({
    recordId,
    data,
    result: 'Ok',
    metadata: { partitionKeys: { bucket: /"id":"(.)/.exec(unbase64(data))?.[1] ?? 'none' } },
  })),
});
const rowsOf = async (key: string) => {
  const connection = await duckdb.connect();
  const rows = (
    await connection.runAndReadAll(
      `SELECT * FROM read_parquet('${s3.localPath('cold', key)}', hive_partitioning = false) ORDER BY 1, 2`,
    )
  ).getRowsJson();
  connection.closeSync();
  return rows;
};

describe('without transformation', () => {
  it('concatenates records and names the object as AWS does, once the interval has passed', async () => {
    await create(destination({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 } }));
    await put('one,', 'two,');
    await kernel.run(START + 59_000);
    expect(await keys()).toEqual([]);
    await put('three');
    await kernel.run(START + 60_000);
    const [key, ...more] = await keys();
    expect(more).toEqual([]);
    expect(key).toMatch(/^2026\/01\/02\/03\/out-1-2026-01-02-03-04-05-[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect((await bytes(key!)).toString()).toBe('one,two,three');
  });

  it('delivers at once what fills the buffer', async () => {
    await create(destination({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 900 }, CompressionFormat: 'GZIP' }));
    const half = 'x'.repeat(600_000);
    await put(half, half, 'rest');
    await kernel.run(START + 1);
    const [key] = await keys();
    expect(key).toMatch(/\.gz$/);
    expect(gunzipSync(await bytes(key!)).length).toBe(1_200_000);
  });
});

describe('with a transformation', () => {
  it('sends what AWS sends and drops what is dropped', async () => {
    transform = ({ records }) => ({
      records: records.map(({ recordId, data }: Json) =>
        unbase64(data) === 'no'
          ? { recordId, result: 'Dropped' }
          : { recordId, result: 'Ok', data: base64(`<${unbase64(data)}>`) },
      ),
    });
    await create(destination({ ProcessingConfiguration: lambda({ BufferIntervalInSeconds: '60' }) }));
    await put('yes', 'no');
    await firehose.flush();
    expect((await bytes((await keys())[0]!)).toString()).toBe('<yes>');
    const [event] = invocations;
    expect(event).toMatchObject({
      deliveryStreamArn: 'arn:aws:firehose:us-east-1:000000000000:deliverystream/out',
      region: 'us-east-1',
      records: [{ approximateArrivalTimestamp: START, data: base64('yes') }, { data: base64('no') }],
    });
    expect(event.invocationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(event.records[0].recordId).not.toBe(event.records[1].recordId);
  });

  it('batches by size and interval of the processor', async () => {
    await create(
      destination({ ProcessingConfiguration: lambda({ BufferSizeInMBs: '0.2', BufferIntervalInSeconds: '10' }) }),
    );
    await put('x'.repeat(150_000), 'y'.repeat(150_000), 'z');
    await kernel.run(START + 1_000);
    expect(invocations.map((event) => event.records.length)).toEqual([1]);
    await kernel.run(START + 10_000);
    expect(invocations.map((event) => event.records.length)).toEqual([1, 2]);
  });

  it('writes what failed to the error prefix, as AWS does, nothing lost', async () => {
    transform = ({ records }) => ({
      records: records.flatMap(({ recordId, data }: Json) => {
        const text = unbase64(data);
        if (text === 'missing') return [];
        if (text === 'failed') return [{ recordId, result: 'ProcessingFailed', data }];
        if (text === 'odd') return [{ recordId, result: 'Perhaps', data }];
        if (text === 'twice')
          return [
            { recordId, result: 'Ok', data },
            { recordId, result: 'Ok', data },
          ];
        return [{ recordId, result: 'Ok', data }];
      }),
    });
    await create(destination({ ProcessingConfiguration: lambda(), ErrorOutputPrefix: 'errors/' }));
    await put('missing', 'failed', 'odd', 'twice', 'good');
    await firehose.flush();
    const [good, errors] = await keys();
    expect((await bytes(good!)).toString()).toBe('good');
    expect(errors).toMatch(/^errors\/processing-failed\/2026\/01\/02\/03\/out-1-/);
    const records = await errorsIn(errors!);
    expect(records.map((record) => [unbase64(record.rawData), record.errorCode, record.attemptsMade])).toEqual([
      ['missing', 'Lambda.MissingRecordId', 1],
      ['failed', 'Lambda.ProcessingFailedStatus', 1],
      ['odd', 'Lambda.JsonProcessingException', 1],
      ['twice', 'Lambda.DuplicatedRecordId', 1],
    ]);
    expect(records[0]).toMatchObject({
      arrivalTimestamp: START,
      lambdaArn: 'arn:aws:lambda:us-east-1:000000000000:function:t',
      errorMessage: expect.stringContaining('record ids were not returned'),
    });
  });

  it('invokes again when the function fails, and gives up after the retries', async () => {
    let failures = 2;
    const good = transform;
    transform = (event) => (failures-- > 0 ? { FunctionError: 'Unhandled' } : good(event));
    await create(destination({ ProcessingConfiguration: lambda({ NumberOfRetries: '2' }) }));
    await put('third time lucky');
    const flushed = firehose.flush();
    await kernel.run(START + 5_000);
    await flushed;
    expect([invocations.length, await keys()]).toEqual([3, [expect.stringMatching(/^2026\//)]]);
    failures = 3;
    await put('never');
    const again = firehose.flush();
    await kernel.run(START + 10_000);
    await again;
    const [, errors] = (await keys()).sort();
    expect(await errorsIn(errors!)).toMatchObject([
      { attemptsMade: 3, errorCode: 'Lambda.FunctionError', rawData: base64('never') },
    ]);
  });
});

describe('Parquet by partition', () => {
  beforeEach(async () => {
    await call('glue', 'CreateDatabase', { DatabaseInput: { Name: 'db' } });
    await call('glue', 'CreateTable', TABLE);
    transform = byFirstLetter;
  });

  it('makes one file a partition, several rows of one record', async () => {
    await create(destination(PARTITIONED));
    await put('{"id":"a1","n":1}{"id":"a1","n":2}', '{"id":"b1","n":9007199254740993}', '{"id":"a2","n":3}');
    await firehose.flush();
    const [a, b, ...more] = await keys();
    expect(more).toEqual([]);
    expect(a).toMatch(/^rows\/day=2026-01-02\/bucket=a\/out-1-2026-01-02-03-04-05-.*\.parquet$/);
    expect(await rowsOf(a!)).toEqual([
      ['a1', '1'],
      ['a1', '2'],
      ['a2', '3'],
    ]);
    expect(await rowsOf(b!)).toEqual([['b1', '9007199254740993']]);
  });

  it('sends what does not fit the table to the error prefix, and the rest to its file', async () => {
    await create(destination(PARTITIONED));
    await put('{"id":"a1","n":1}', '{"id":"a2","n":"many"}', '{"id":"a3"', 'plain');
    await firehose.flush();
    const [errors, rows, ...more] = await keys();
    expect(more).toEqual([]);
    expect(errors).toMatch(/^errors\/format-conversion-failed\/out-1-/);
    expect(await rowsOf(rows!)).toEqual([['a1', '1']]);
    const records = await errorsIn(errors!);
    const reasons = records.map(({ rawData, lastErrorCode }) => `${unbase64(rawData)} ${lastErrorCode}`);
    expect(reasons.sort()).toEqual([
      'plain DataFormatConversion.ParseError',
      '{"id":"a2","n":"many"} DataFormatConversion.MalformedData',
      '{"id":"a3" DataFormatConversion.ParseError',
    ]);
    expect(records[0].dataCatalogTable).toMatchObject({ databaseName: 'db', tableName: 'rows' });
  });

  it('keeps everything when the table is missing', async () => {
    await create(destination(PARTITIONED));
    await call('glue', 'DeleteTable', { DatabaseName: 'db', Name: 'rows' });
    await put('{"id":"a1","n":1}');
    await firehose.flush();
    const [errors] = await keys();
    expect(await errorsIn(errors!)).toMatchObject([
      { lastErrorCode: 'DataFormatConversion.EntityNotFound', rawData: base64('{"id":"a1","n":1}') },
    ]);
  });

  it('refuses records without their partition key, and the 501st partition', async () => {
    transform = ({ records }) => ({
      records: records.map(({ recordId, data }: Json) => ({
        recordId,
        data,
        result: 'Ok',
        ...(unbase64(data) !== '{}' && { metadata: { partitionKeys: { bucket: JSON.parse(unbase64(data)).id } } }),
      })),
    });
    const { DataFormatConversionConfiguration: _, ...plain } = PARTITIONED;
    await create(destination(plain));
    await put(...Array.from({ length: 400 }, (_one, i) => `{"id":"k${i}"}`), '{}');
    await put(...Array.from({ length: 101 }, (_one, i) => `{"id":"l${i}"}`));
    await firehose.flush();
    const all = await keys();
    const codes = async (type: string) => {
      const errors = all.filter((key: string) => key.includes(type));
      return (await Promise.all(errors.map(errorsIn))).flat().map((record) => record.errorCode);
    };
    expect(await codes('activePartitionExceeded')).toEqual(['DynamicPartitioning.ActivePartitionsLimitExceeded']);
    expect(await codes('processing-failed')).toEqual(['DynamicPartitioning.MetadataExtractionFailed']);
    expect(all).toHaveLength(502);
  });
});

describe('a feed as its source', () => {
  const fromFeed = {
    DeliveryStreamType: 'KinesisStreamAsSource',
    KinesisStreamSourceConfiguration: {
      KinesisStreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/feed',
      RoleARN: ROLE,
    },
  };
  const putToFeed = (text: string) =>
    call('kinesis', 'PutRecord', { StreamName: 'feed', Data: base64(text), PartitionKey: text });

  it('is read from the latest position on, with what the transformation gets to know of it', async () => {
    await call('kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 2 });
    await kernel.run(START + 5_000);
    await putToFeed('before');
    await create(destination({ ProcessingConfiguration: lambda() }), fromFeed);
    for (const text of ['a', 'b', 'c', 'd']) await putToFeed(text);
    await firehose.flush();
    expect([...(await bytes((await keys())[0]!)).toString()].sort().join('')).toBe('abcd');
    const [event] = invocations;
    expect(event.sourceKinesisStreamArn).toBe(fromFeed.KinesisStreamSourceConfiguration.KinesisStreamARN);
    expect(event.records[0].kinesisRecordMetadata).toMatchObject({
      subsequenceNumber: 0,
      partitionKey: expect.any(String),
      shardId: expect.stringMatching(/^shardId-/),
      sequenceNumber: expect.stringMatching(/^\d+$/),
    });
  });

  it('is read once a second by itself, through a resharding', async () => {
    await call('kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 1 });
    await kernel.run(START + 5_000);
    await create(destination({ BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 0 } }), fromFeed);
    await putToFeed('one ');
    await kernel.run(START + 7_000);
    await call('kinesis', 'UpdateShardCount', {
      StreamName: 'feed',
      TargetShardCount: 2,
      ScalingType: 'UNIFORM_SCALING',
    });
    await kernel.run(START + 60_000);
    for (const text of ['two ', 'three ']) await putToFeed(text);
    await kernel.run(START + 70_000);
    const texts = await Promise.all((await keys()).map(async (key: string) => (await bytes(key)).toString()));
    expect(texts.join('').trim().split(' ').sort()).toEqual(['one', 'three', 'two']);
  });

  it('refuses PutRecord', async () => {
    await call('kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 1 });
    await kernel.run(START + 5_000);
    await create(destination(), fromFeed);
    await expect(put('x')).rejects.toMatchObject({
      code: 'InvalidArgumentException',
      message: expect.stringContaining('KinesisStreamAsSource'),
    });
  });
});

it('delivers what was acknowledged before the process ended, after it starts again', async () => {
  firehose.close();
  await open({ dir: join(dir, 'firehose') });
  await create(destination());
  await put('delivered ');
  await firehose.flush();
  await put('acknowledged ', 'too');
  firehose.close();
  s3.close();
  await open({ dir: join(dir, 'firehose') });
  await create(destination());
  await firehose.flush();
  const texts = await Promise.all((await keys()).map(async (key: string) => (await bytes(key)).toString()));
  expect(texts.sort()).toEqual(['acknowledged too', 'delivered ']);
});

it('tries again when the bucket is missing, and says so to who flushes', async () => {
  await create(destination());
  await call('s3', 'DeleteBucket', { Bucket: 'cold' });
  await put('patient');
  await expect(firehose.flush()).rejects.toMatchObject({ code: 'NoSuchBucket' });
  await call('s3', 'CreateBucket', { Bucket: 'cold' });
  await kernel.run(START + 10_000);
  expect(await keys()).toHaveLength(1);
});

describe('refuses', () => {
  it.each([
    ['a small buffer with conversion', { ...PARTITIONED, BufferingHints: { SizeInMBs: 5 } }, 'SizeInMBs'],
    [
      'a short interval with partitions',
      { ...PARTITIONED, BufferingHints: { IntervalInSeconds: 10 } },
      'IntervalInSeconds',
    ],
    ['partitions without a key in the prefix', { ...PARTITIONED, Prefix: 'x/' }, 'partitionKeyFromLambda'],
    ['expressions without an error prefix', { Prefix: '!{timestamp:yyyy}/' }, 'ErrorOutputPrefix'],
    [
      'an unknown expression',
      { Prefix: '!{aws:region}/', ErrorOutputPrefix: '!{firehose:error-output-type}/' },
      '!{aws:region}',
    ],
    [
      'ORC',
      {
        DataFormatConversionConfiguration: {
          Enabled: true,
          InputFormatConfiguration: {},
          OutputFormatConfiguration: { Serializer: { OrcSerDe: {} } },
        },
      },
      'OrcSerDe',
    ],
    ['an unknown member', { SomethingNew: 1 }, 'SomethingNew'],
    [
      'an unknown processor',
      { ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'Decompression' }] } },
      'Decompression',
    ],
  ])('%s', async (_what, more, named) => {
    await expect(create(destination(more))).rejects.toMatchObject({
      code: 'InvalidArgumentException',
      message: expect.stringContaining(named),
    });
  });

  it('too many and too large records', async () => {
    await create(destination());
    await expect(put(...Array.from({ length: 501 }, () => 'x'))).rejects.toMatchObject({
      code: 'InvalidArgumentException',
    });
    await expect(put('x'.repeat(1_000 * 1024 + 1))).rejects.toMatchObject({
      message: expect.stringContaining('1000 KB'),
    });
    await expect(put(...Array.from({ length: 5 }, () => 'x'.repeat(900_000)))).rejects.toMatchObject({
      message: expect.stringContaining('4 MB'),
    });
    await expect(
      call('firehose', 'PutRecord', { DeliveryStreamName: 'none', Record: { Data: '' } }),
    ).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });
});

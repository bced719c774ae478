import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDb } from '../athena/duckdb.ts';
import { type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import { type Delivery, startDelivery } from './delivery.ts';
import { invalidArgument, notFound, unsupported } from './errors.ts';
import { type KinesisSource, startKinesisSource } from './kinesis-source.ts';
import { openPutLog, type PutLog } from './put-log.ts';
import { onlyKnown, readSettings } from './settings.ts';

export interface FirehoseOptions {
  /** Writes the Parquet. */
  readonly duckdb: DuckDb;
  /** Where what was taken in and not yet delivered is kept, and the positions in feeds; without it, in memory only. */
  readonly dir?: string;
  /**
   * No buffer waits longer, in milliseconds: 60 seconds and more, which AWS asks for, are long for a person at a laptop.
   * @default as configured
   */
  readonly maxIntervalMs?: number;
  /** How often a feed is read, in milliseconds. @default 1000, as on AWS */
  readonly pollMs?: number;
  /** A bell that rings when a feed got a record: reading then waits for no poll. */
  readonly watch?: (streamName: string, wake: () => void) => () => void;
}

export interface Firehose extends Service {
  /** Reads what is in the feeds and delivers everything that waits, of one stream or of all. */
  flush(name?: string): Promise<void>;
  close(): void;
}

interface DeliveryStream {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  readonly input: Json;
  readonly delivery: Delivery;
  readonly source: KinesisSource | undefined;
  readonly puts: PutLog | undefined;
}

const CREATE = [
  'DeliveryStreamName',
  'DeliveryStreamType',
  'KinesisStreamSourceConfiguration',
  'ExtendedS3DestinationConfiguration',
  'DeliveryStreamEncryptionConfigurationInput',
  'Tags',
];

/** "The maximum size of a record … is 1,000 KiB." */
const RECORD_BYTES = 1_000 * 1024;
/** "Each PutRecordBatch request supports up to 500 records … up to a limit of 4 MiB for the entire request." */
const BATCH_RECORDS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Makes the embedded Firehose and registers it with the cloud. */
export function createFirehose(cloud: Cloud, options: FirehoseOptions): Firehose {
  const streams = new Map<string, DeliveryStream>();
  const { accountId, region } = cloud.account;
  if (options.dir !== undefined) mkdirSync(options.dir, { recursive: true });
  const fileOf = (name: string, what: string) =>
    options.dir === undefined ? undefined : join(options.dir, `${name}.${what}`);

  const find = (name: unknown): DeliveryStream => {
    const stream = streams.get(String(name));
    if (stream === undefined) throw notFound(String(name), accountId);
    return stream;
  };

  const create = async (input: Json): Promise<Json> => {
    const name: unknown = input.DeliveryStreamName;
    for (const member of Object.keys(input)) {
      if (!CREATE.includes(member)) throw unsupported(`CreateDeliveryStream: ${member}`);
    }
    if (typeof name !== 'string' || !/^[a-zA-Z0-9_.-]{1,64}$/.test(name)) {
      throw invalidArgument('DeliveryStreamName must have 1 to 64 characters of a-z, A-Z, 0-9, _, . and -');
    }
    if (streams.has(name)) {
      throw new ServiceError('ResourceInUseException', `Firehose ${name} under accountId ${accountId} already exists`);
    }
    if (input.ExtendedS3DestinationConfiguration === undefined) {
      throw unsupported('a destination other than ExtendedS3DestinationConfiguration');
    }
    const type = input.DeliveryStreamType ?? 'DirectPut';
    const kinesis = input.KinesisStreamSourceConfiguration;
    if (type !== 'DirectPut' && type !== 'KinesisStreamAsSource') throw unsupported(`DeliveryStreamType ${type}`);
    if ((type === 'KinesisStreamAsSource') !== (kinesis !== undefined)) {
      throw invalidArgument(
        'KinesisStreamSourceConfiguration must be given exactly when DeliveryStreamType is KinesisStreamAsSource',
      );
    }
    if (kinesis !== undefined) onlyKnown('KinesisStreamSourceConfiguration', kinesis, ['KinesisStreamARN', 'RoleARN']);
    const settings = readSettings(input.ExtendedS3DestinationConfiguration);
    const arn = `arn:aws:firehose:${region}:${accountId}:deliverystream/${name}`;
    const delivery = startDelivery({
      cloud,
      duckdb: options.duckdb,
      name,
      arn,
      sourceArn: kinesis?.KinesisStreamARN,
      settings,
      maxIntervalMs: options.maxIntervalMs ?? Number.POSITIVE_INFINITY,
    });
    const checkpoint = fileOf(name, 'positions.json');
    const source =
      kinesis === undefined
        ? undefined
        : await startKinesisSource({
            cloud,
            streamArn: kinesis.KinesisStreamARN,
            roleArn: kinesis.RoleARN,
            receive: delivery.receive,
            ...(options.pollMs !== undefined && { pollMs: options.pollMs }),
            ...(options.watch !== undefined && { watch: options.watch }),
            ...(checkpoint !== undefined && { checkpoint }),
          });
    const puts = kinesis === undefined ? openPutLog(fileOf(name, 'jsonl'), delivery.receive) : undefined;
    streams.set(name, { name, arn, createdMs: cloud.kernel.clock.now(), input, delivery, source, puts });
    return { DeliveryStreamARN: arn };
  };

  const put = (stream: DeliveryStream, record: Json): string => {
    if (stream.puts === undefined) {
      throw invalidArgument(
        `This operation is not permitted on KinesisStreamAsSource delivery stream type. Stream ${stream.name} reads its Kinesis stream.`,
      );
    }
    const data = dataOf(record);
    const { clock, random } = cloud.kernel;
    // As long as those of AWS; the end tells records of one millisecond apart.
    const recordId = `4954${String(clock.now()).padStart(20, '0')}${BigInt(`0x${random.hex(26)}`)
      .toString()
      .padStart(32, '0')
      .slice(0, 32)}`;
    stream.puts.add(recordId, data, clock.now());
    return recordId;
  };

  const operations: Record<string, (input: Json) => Json | Promise<Json>> = {
    CreateDeliveryStream: create,
    DescribeDeliveryStream: ({ DeliveryStreamName }) => ({
      DeliveryStreamDescription: describe(find(DeliveryStreamName)),
    }),
    ListDeliveryStreams(input) {
      const names = [...streams.values()]
        .filter((stream) => input.DeliveryStreamType === undefined || typeOf(stream) === input.DeliveryStreamType)
        .map((stream) => stream.name)
        .sort();
      const after = names.filter((name) => name > (input.ExclusiveStartDeliveryStreamName ?? ''));
      const page = after.slice(0, input.Limit ?? 10);
      return { DeliveryStreamNames: page, HasMoreDeliveryStreams: page.length < after.length };
    },
    DeleteDeliveryStream({ DeliveryStreamName }) {
      const stream = find(DeliveryStreamName);
      stop(stream);
      streams.delete(stream.name);
      for (const what of ['positions.json', 'jsonl']) {
        const file = fileOf(stream.name, what);
        if (file !== undefined) rmSync(file, { force: true });
      }
      return {};
    },
    PutRecord: ({ DeliveryStreamName, Record }) => ({
      RecordId: put(find(DeliveryStreamName), Record),
      Encrypted: false,
    }),
    PutRecordBatch({ DeliveryStreamName, Records }) {
      const stream = find(DeliveryStreamName);
      if (!Array.isArray(Records) || Records.length === 0 || Records.length > BATCH_RECORDS) {
        throw invalidArgument(`Records must have 1 to ${BATCH_RECORDS} records`);
      }
      const bytes = Records.reduce((sum, record) => sum + dataOf(record).length, 0);
      if (bytes > BATCH_BYTES) throw invalidArgument('Records size exceeds 4 MB limit');
      return {
        FailedPutCount: 0,
        Encrypted: false,
        RequestResponses: Records.map((record) => ({ RecordId: put(stream, record) })),
      };
    },
  };

  const stop = (stream: DeliveryStream) => {
    stream.source?.stop();
    stream.delivery.stop();
    stream.puts?.close();
  };

  const firehose: Firehose = {
    name: 'firehose',
    handle(operation, input) {
      const run = operations[operation];
      if (run === undefined) {
        throw new ServiceError('UnknownOperationException', `Firehose operation ${operation} is not hosted here`);
      }
      return run(input);
    },
    async flush(name) {
      for (const stream of name === undefined ? streams.values() : [find(name)]) {
        await stream.source?.drain();
        await stream.delivery.flush();
      }
    },
    close() {
      for (const stream of streams.values()) stop(stream);
      streams.clear();
    },
  };
  cloud.register(firehose);
  return firehose;
}

function dataOf(record: Json): Buffer {
  const data: unknown = record?.Data;
  if (typeof data !== 'string') throw invalidArgument('Record.Data is required');
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length > RECORD_BYTES) throw invalidArgument('Record size exceeds 1000 KB limit');
  return bytes;
}

const typeOf = (stream: DeliveryStream): string => stream.input.DeliveryStreamType ?? 'DirectPut';

function describe(stream: DeliveryStream): Json {
  const { input } = stream;
  const destination = input.ExtendedS3DestinationConfiguration;
  const source = input.KinesisStreamSourceConfiguration;
  return {
    DeliveryStreamName: stream.name,
    DeliveryStreamARN: stream.arn,
    DeliveryStreamStatus: 'ACTIVE',
    DeliveryStreamEncryptionConfiguration: { Status: 'DISABLED' },
    DeliveryStreamType: typeOf(stream),
    VersionId: '1',
    CreateTimestamp: stream.createdMs / 1000,
    ...(source !== undefined && {
      Source: { KinesisStreamSourceDescription: { ...source, DeliveryStartTimestamp: stream.createdMs / 1000 } },
    }),
    Destinations: [{ DestinationId: 'destinationId-000000000001', ExtendedS3DestinationDescription: destination }],
    HasMoreDestinations: false,
  };
}

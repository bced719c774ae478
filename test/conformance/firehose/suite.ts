import * as sdk from '@aws-sdk/client-firehose';
import * as streams from '@aws-sdk/client-kinesis';
import { clientOf } from '../client.ts';
import { errorOf, eventually, same, uniqueName } from '../expect.ts';
import { withFunction } from '../lambda/function.ts';
import { roleOf } from '../role.ts';
import type { Case, Suite } from '../suite.ts';
import { conversion } from './conversion.ts';
import { type Destination, delivering, invalid, TRANSFORM, through, to } from './delivery.ts';

const cases: readonly Case[] = [
  {
    name: 'records are put one after the other into objects by the hour of their arrival',
    says: 'PutRecordBatch: "RequestResponses: The results array. For each record, the index of the response element is the same as the index used in the request array."; prefixes: "Firehose appends the string YYYY/MM/dd/HH/ in UTC"; object names: "DeliveryStreamName-DeliveryStreamVersion-YYYY-MM-dd-HH-MM-SS-RandomString"',
    run: (target) =>
      delivering(target, { Prefix: 'in/' }, async ({ put, shelf, DeliveryStreamName }) => {
        const { FailedPutCount, RequestResponses = [] } = await put('one\n', 'two\n', 'three\n');
        same([FailedPutCount, RequestResponses.length], [0, 3]);
        const ids = new Set(RequestResponses.map(({ RecordId }) => RecordId));
        if (ids.size !== 3 || ids.has(undefined)) throw new Error('the records have no ids of their own');
        const text = await shelf.written('in/', (all) => all.includes('three'));
        same(text.split('\n').filter(Boolean).sort(), ['one', 'three', 'two']);
        const wanted = new RegExp(
          `^in/\\d{4}/\\d\\d/\\d\\d/\\d\\d/${DeliveryStreamName}-1-\\d{4}(-\\d\\d){5}-[0-9a-f-]{36}$`,
        );
        for (const key of await shelf.keys()) if (!wanted.test(key)) throw new Error(`an object ${key}`);
      }),
  },
  {
    name: 'what may be put',
    says: 'PutRecord: "The maximum size of a record before base64-encoding is 1,000 KiB"; PutRecordBatch: "Each PutRecordBatch request supports up to 500 records. Each record in the request can be as large as 1,000 KB (before base64 encoding), up to a limit of 4 MB for the entire request"; ResourceNotFoundException',
    run: (target) =>
      delivering(target, {}, async ({ client, DeliveryStreamName, put }) => {
        const record = (bytes: number, name = DeliveryStreamName) =>
          errorOf(
            client.send(
              new sdk.PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.alloc(bytes, 'x') } }),
            ),
          );
        same(await record(1_024_000), undefined);
        const refused = [
          await record(1_024_001),
          await errorOf(put(...Array.from({ length: 501 }, () => 'x'))),
          await errorOf(put(...Array.from({ length: 5 }, () => 'x'.repeat(1_000_000)))),
          await errorOf(put()),
        ];
        same(refused.map(invalid), [true, true, true, true]);
        same((await put(...Array.from({ length: 500 }, () => 'x'))).FailedPutCount, 0);
        same(await record(1, `${DeliveryStreamName}x`), 'ResourceNotFoundException');
      }),
  },
  {
    name: 'what reads a Kinesis stream takes no puts',
    says: 'Kinesis source: "When a Kinesis data stream is configured as the source of a Firehose stream, the PutRecord and PutRecordBatch operations are disabled"; "Firehose starts reading data from the LATEST position of your Kinesis stream"',
    async run(target) {
      const kinesis = clientOf(target, streams.KinesisClient);
      const StreamName = uniqueName();
      const puts = (Data: string) =>
        kinesis.send(new streams.PutRecordCommand({ StreamName, PartitionKey: 'k', Data: Buffer.from(Data) }));
      await kinesis.send(new streams.CreateStreamCommand({ StreamName, ShardCount: 1 }));
      const KinesisStreamARN = await eventually(async () => {
        const read = await kinesis.send(new streams.DescribeStreamSummaryCommand({ StreamName }));
        const { StreamStatus, StreamARN } = read.StreamDescriptionSummary ?? {};
        return StreamStatus === 'ACTIVE' ? StreamARN : undefined;
      });
      try {
        await puts('before\n');
        const source = {
          DeliveryStreamType: 'KinesisStreamAsSource',
          KinesisStreamSourceConfiguration: { KinesisStreamARN, RoleARN: roleOf(target) },
        } as const;
        await delivering(
          target,
          { Prefix: 'in/' },
          async ({ put, shelf }) => {
            same(await errorOf(put('x')), 'InvalidArgumentException');
            await puts('after\n');
            same(await shelf.written('in/', (all) => all.includes('after')), 'after\n');
          },
          source,
        );
      } finally {
        await kinesis.send(new streams.DeleteStreamCommand({ StreamName }));
      }
    },
  },
  {
    name: 'what a delivery stream may not be',
    says: 'BufferingHints: SizeInMBs 1 to 128, IntervalInSeconds 0 to 900; dynamic partitioning: "the minimum buffer size is 64 MB"; prefixes: "If you specify a prefix that contains expressions, you must specify ErrorOutputPrefix", with !{firehose:error-output-type}; ResourceInUseException: "The resource is already in use"',
    run: (target) =>
      delivering(target, {}, async ({ client, DeliveryStreamName, shelf }) => {
        const refused = async (destination: Destination, name = uniqueName()) => {
          const ExtendedS3DestinationConfiguration = to(target, shelf.Bucket, destination);
          const input = { DeliveryStreamName: name, ExtendedS3DestinationConfiguration };
          const error = await errorOf(client.send(new sdk.CreateDeliveryStreamCommand(input)));
          if (error === undefined) await client.send(new sdk.DeleteDeliveryStreamCommand({ DeliveryStreamName: name }));
          return error;
        };
        same(await refused({}, DeliveryStreamName), 'ResourceInUseException');
        const by = '!{partitionKeyFromLambda:key}/';
        const arn = 'arn:aws:lambda:us-east-1:000000000000:function:none';
        const partitioned = (more: Destination): Destination => ({
          Prefix: by,
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          DynamicPartitioningConfiguration: { Enabled: true },
          ProcessingConfiguration: through(arn),
          BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
          ...more,
        });
        const wrong: readonly Destination[] = [
          { BufferingHints: { SizeInMBs: 0, IntervalInSeconds: 60 } },
          { BufferingHints: { SizeInMBs: 129, IntervalInSeconds: 60 } },
          { BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 901 } },
          { Prefix: '!{timestamp:yyyy}/' },
          { Prefix: '!{timestamp:yyyy}/', ErrorOutputPrefix: 'errors/!{timestamp:yyyy}/' },
          { Prefix: by, ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/' },
          partitioned({ Prefix: 'in/' }),
          partitioned({ BufferingHints: { SizeInMBs: 63, IntervalInSeconds: 60 } }),
        ];
        const names: (string | undefined)[] = [];
        for (const destination of wrong) names.push(await refused(destination));
        if (!names.every(invalid)) throw new Error(`refused as ${JSON.stringify(names)}`);
      }),
  },
  {
    name: 'a transformation changes, drops and fails records; what failed is written with its reason',
    says: 'Data transformation: "result: Ok … Dropped (the record was dropped intentionally by your processing logic), and ProcessingFailed"; failure handling: { attemptsMade, arrivalTimestamp, errorCode, errorMessage, attemptEndingTimestamp, rawData, lambdaArn } in the processing-failed folder',
    run: (target) =>
      withFunction(target, TRANSFORM, {}, async ({ arn }) => {
        const destination = {
          Prefix: 'in/',
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          ProcessingConfiguration: through(arn),
        };
        await delivering(target, destination, async ({ put, shelf }) => {
          await put('Ok', 'Dropped', 'ProcessingFailed', 'Lost', 'Odd');
          const lines = (all: string) => all.split('\n').filter(Boolean);
          const failed = await shelf.written('errors/processing-failed/', (all) => lines(all).length >= 3);
          same(await shelf.written('in/', (all) => all !== ''), 'Ok!\n');
          const told = lines(failed)
            .map((line) => JSON.parse(line))
            .map(({ rawData, errorCode, attemptsMade, arrivalTimestamp, attemptEndingTimestamp, lambdaArn }) => [
              Buffer.from(rawData, 'base64').toString(),
              errorCode,
              attemptsMade,
              attemptEndingTimestamp >= arrivalTimestamp,
              lambdaArn.startsWith(arn),
            ]);
          same(told.sort(), [
            ['Lost', 'Lambda.MissingRecordId', 1, true, true],
            ['Odd', 'Lambda.JsonProcessingException', 1, true, true],
            ['ProcessingFailed', 'Lambda.ProcessingFailedStatus', 1, true, true],
          ]);
        });
      }),
  },
  {
    name: 'dynamic partitioning by keys of the transformation',
    says: 'Dynamic partitioning: "partitionKeyFromLambda … your Lambda function must return the partition keys"; a record without its key goes to the error prefix.',
    run: (target) =>
      withFunction(target, TRANSFORM, {}, async ({ arn }) => {
        const destination = {
          Prefix: 'by/!{partitionKeyFromLambda:key}/',
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          DynamicPartitioningConfiguration: { Enabled: true },
          BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
          ProcessingConfiguration: through(arn),
        };
        await delivering(target, destination, async ({ put, shelf }) => {
          await put('Ok:a', 'Ok:b', 'Ok:a', 'Ok');
          const [error] = (await shelf.written('errors/processing-failed/', (all) => all !== '')).split('\n');
          const { rawData } = JSON.parse(error!);
          same(Buffer.from(rawData, 'base64').toString(), 'Ok');
          same(
            [await shelf.written('by/a/', (all) => all.length >= 8), await shelf.written('by/b/', (all) => all !== '')],
            ['Ok!\nOk!\n', 'Ok!\n'],
          );
          for (const key of await shelf.keys('by/'))
            if (key.split('/').length !== 3) throw new Error(`something is appended to the prefix: ${key}`);
        });
      }),
  },
  {
    name: 'the 501st partition goes to the error prefix',
    says: 'Buffer data for dynamic partitioning: once "the number of active partitions reaches the limit of 500 per Firehose stream, the rest of the records … are delivered to the specified S3 error bucket prefix (activePartitionExceeded)" (docs.aws.amazon.com/firehose/latest/dev/buffering.html); that this is the error type, and the code, are assumed',
    run: (target) =>
      withFunction(target, TRANSFORM, {}, async ({ arn }) => {
        const destination = {
          Prefix: 'by/!{partitionKeyFromLambda:key}/',
          ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
          DynamicPartitioningConfiguration: { Enabled: true },
          BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
          ProcessingConfiguration: through(arn),
        };
        await delivering(target, destination, async ({ put, shelf }) => {
          const keys = Array.from({ length: 501 }, (_, i) => `Ok:k${i}`);
          await put(...keys.slice(0, 500));
          await put(keys[500]!);
          const [error] = (await shelf.written('errors/activePartitionExceeded/', (all) => all !== '')).split('\n');
          const { rawData, errorCode } = JSON.parse(error!);
          same(
            [Buffer.from(rawData, 'base64').toString().startsWith('Ok:k'), errorCode.split('.')[0]],
            [true, 'DynamicPartitioning'],
          );
          const partitions = await eventually(async () => {
            const all = await shelf.keys('by/');
            return all.length >= 500 ? all : undefined;
          });
          same(new Set(partitions.map((key) => key.split('/')[1])).size, 500);
        });
      }),
  },
  ...conversion,
];

export const firehose: Suite = {
  service: 'firehose',
  costs: {
    makes: 'a bucket, a function, a delivery stream, sometimes a Kinesis stream of one shard for an hour',
    dollars: 0.02,
  },
  cases,
  waits: true,
};

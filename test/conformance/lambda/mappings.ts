import * as tables from '@aws-sdk/client-dynamodb';
import * as sdk from '@aws-sdk/client-lambda';
import { clientOf } from '../client.ts';
import { errorOf, same, uniqueName } from '../expect.ts';
import { withStream } from '../kinesis/stream.ts';
import type { Case } from '../suite.ts';
import { withQueue } from './function.ts';
import { KINESIS, mapped, telling, told } from './mapped.ts';

/** Event source mappings. Tumbling windows are not hosted, and so not asked for. */
export const mappings: readonly Case[] = [
  {
    name: 'SQS: a partial answer gives back what it names, and only that',
    says: 'ReportBatchItemFailures: "your function returns a list of the message IDs that failed processing … Lambda returns only the failed messages to the queue"',
    run: (target) =>
      withQueue(
        target,
        (source) =>
          mapped(
            target,
            telling(
              'record.body',
              "return { batchItemFailures: Records.filter((one) => one.body === 'bad' && one.attributes.ApproximateReceiveCount === '1').map((one) => ({ itemIdentifier: one.messageId })) };",
            ),
            { EventSourceArn: source.arn, BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] },
            async (inbox) => {
              await source.send('good', 'bad', 'fine');
              const seen: string[] = [];
              while (seen.length < 4) seen.push(...(await told(inbox, 1))[0]!);
              same([seen.slice(0, 3).sort(), seen.slice(3)], [['bad', 'fine', 'good'], ['bad']]);
            },
          ),
        { VisibilityTimeout: '3' },
      ),
  },
  {
    name: 'Kinesis: a failed batch is halved until what fails stands alone, which goes to the destination as a position',
    says: 'BisectBatchOnFunctionError: "If the function returns an error, split the batch in two and retry."; "Splitting a batch doesn\'t count towards the retry quota"; OnFailure: "KinesisBatchInfo … the invocation record" without the records themselves',
    run: (target) =>
      withQueue(target, (dead) =>
        withStream(target, async (EventSourceArn, put) => {
          await put('a', 'b', 'bad', 'd');
          const mapping = {
            EventSourceArn,
            StartingPosition: 'TRIM_HORIZON',
            BatchSize: 10,
            BisectBatchOnFunctionError: true,
            MaximumRetryAttempts: 1,
            DestinationConfig: { OnFailure: { Destination: dead.arn } },
          } as const;
          const code = telling(KINESIS, "if (bodies.includes('bad')) throw new Error('no');");
          await mapped(target, code, mapping, async (inbox) => {
            const [lost] = await dead.take(1);
            const { requestContext, responseContext, KinesisBatchInfo } = JSON.parse(lost!.Body!);
            same(
              [
                requestContext.condition,
                responseContext.functionError,
                KinesisBatchInfo.batchSize,
                KinesisBatchInfo.streamArn,
                KinesisBatchInfo.startSequenceNumber === KinesisBatchInfo.endSequenceNumber,
              ],
              ['RetryAttemptsExhausted', 'Unhandled', 1, EventSourceArn, true],
            );
            const batches: string[][] = [];
            while (!batches.some((batch) => batch.join() === 'd')) batches.push(...(await told(inbox, 1)));
            same(batches[0], ['a', 'b', 'bad', 'd']);
            const passed = batches.filter((batch) => !batch.includes('bad')).flat();
            same([...new Set(passed)].sort(), ['a', 'b', 'd']);
          });
        }),
      ),
  },
  {
    name: 'Kinesis: a partial answer names where to go on',
    says: 'Streams and partial answers: "Lambda retries … from the lowest sequence number: the checkpoint"',
    run: (target) =>
      withStream(target, async (EventSourceArn, put) => {
        await put('1', '2', '3');
        const mapping = {
          EventSourceArn,
          StartingPosition: 'TRIM_HORIZON',
          BatchSize: 10,
          FunctionResponseTypes: ['ReportBatchItemFailures' as const],
        } as const;
        const code = telling(
          KINESIS,
          "if (bodies[0] === '1' && bodies.length === 3) return { batchItemFailures: [{ itemIdentifier: Records[1].kinesis.sequenceNumber }] };",
        );
        await mapped(
          target,
          code,
          { ...mapping, FunctionResponseTypes: [...mapping.FunctionResponseTypes] },
          async (inbox) =>
            same(await told(inbox, 2), [
              ['1', '2', '3'],
              ['2', '3'],
            ]),
        );
      }),
  },
  {
    name: "a table's stream: filtered, in order, with old and new images",
    says: 'FilterCriteria: "An object that defines the filter criteria that determine whether Lambda should process an event"; "NEW_AND_OLD_IMAGES"',
    async run(target) {
      const client = clientOf(target, tables.DynamoDBClient);
      const TableName = uniqueName();
      const { TableDescription } = await client.send(
        new tables.CreateTableCommand({
          TableName,
          KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
          StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
        }),
      );
      try {
        await tables.waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 2 }, { TableName });
        const put = (n: string) =>
          client.send(new tables.PutItemCommand({ TableName, Item: { k: { S: 'a' }, n: { N: n } } }));
        for (const n of ['1', '2', '3']) await put(n);
        const Pattern = JSON.stringify({ eventName: ['MODIFY'] });
        const mapping = {
          EventSourceArn: TableDescription!.LatestStreamArn,
          StartingPosition: 'TRIM_HORIZON' as const,
          FilterCriteria: { Filters: [{ Pattern }] },
        };
        const images = "[record.dynamodb.OldImage.n.N, record.dynamodb.NewImage.n.N].join('>')";
        await mapped(target, telling(images, ''), mapping, async (inbox) => {
          const seen: string[] = [];
          while (seen.length < 2) seen.push(...(await told(inbox, 1))[0]!);
          same(seen, ['1>2', '2>3']);
        });
      } finally {
        await client.send(new tables.DeleteTableCommand({ TableName }));
      }
    },
  },
  {
    name: 'what a mapping may not be',
    says: 'CreateEventSourceMapping: BatchSize "up to 10,000"; "for standard queues … when you set BatchSize to a value greater than 10, you must set MaximumBatchingWindowInSeconds to at least 1"; StartingPosition "required for Amazon Kinesis and Amazon DynamoDB Stream event sources"; ResourceConflictException',
    run: (target) =>
      withQueue(target, (source) =>
        mapped(
          target,
          telling('record.body', ''),
          { EventSourceArn: source.arn },
          async (_, { client, FunctionName }) => {
            const create = (more: Partial<sdk.CreateEventSourceMappingCommandInput>) =>
              errorOf(
                client.send(
                  new sdk.CreateEventSourceMappingCommand({ FunctionName, EventSourceArn: source.arn, ...more }),
                ),
              );
            same(await create({}), 'ResourceConflictException');
            same(await create({ FunctionName: `${FunctionName}x` }), 'ResourceNotFoundException');
            await withStream(target, async (EventSourceArn) => {
              const refused = [
                await create({ EventSourceArn }),
                await create({ EventSourceArn, StartingPosition: 'LATEST', BatchSize: 10_001 }),
                await create({ EventSourceArn, StartingPosition: 'LATEST', ParallelizationFactor: 11 }),
              ];
              const right = refused.map((name) =>
                /^(ValidationException|InvalidParameterValueException)$/.test(name ?? ''),
              );
              same(right, [true, true, true]);
            });
            await withQueue(target, async ({ arn: EventSourceArn }) => {
              const large = await create({ EventSourceArn, BatchSize: 11 });
              same(large, 'InvalidParameterValueException');
            });
          },
        ),
      ),
  },
];

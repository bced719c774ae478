import * as streams from '@aws-sdk/client-kinesis';
import * as sdk from '@aws-sdk/client-pipes';
import { SQSClient } from '@aws-sdk/client-sqs';
import { errorOf, eventually, same, uniqueName } from '../expect.ts';
import { type Inbox, withFunction, withQueue } from '../lambda/function.ts';
import { roleOf } from '../role.ts';
import type { Case, Suite, Target } from '../suite.ts';

type Definition = Omit<sdk.CreatePipeCommandInput, 'Name' | 'RoleArn'>;
interface Made {
  readonly client: sdk.PipesClient;
  readonly Name: string;
}

/** Makes a pipe, waits until it runs, and leaves nothing behind. */
async function piping(target: Target, definition: Definition, play: (made: Made) => Promise<void>): Promise<void> {
  const client = new sdk.PipesClient(target.config);
  const Name = uniqueName();
  await client.send(new sdk.CreatePipeCommand({ Name, RoleArn: roleOf(target), ...definition }));
  try {
    await until(client, Name, 'RUNNING');
    await play({ client, Name });
  } finally {
    await client.send(new sdk.DeletePipeCommand({ Name }));
  }
}

const until = (client: sdk.PipesClient, Name: string, state: sdk.PipeState) =>
  eventually(async () => {
    const { CurrentState } = await client.send(new sdk.DescribePipeCommand({ Name }));
    return CurrentState === state ? true : undefined;
  });

/** Two queues: what is sent to the first goes through a pipe. */
const between = (target: Target, play: (source: Inbox, sink: Inbox) => Promise<void>) =>
  withQueue(target, (source) => withQueue(target, (sink) => play(source, sink)));

async function withStream(
  target: Target,
  play: (arn: string, put: (...texts: string[]) => Promise<void>) => Promise<void>,
) {
  const { requestHandler } = new SQSClient(target.config).config;
  const client = new streams.KinesisClient({ ...target.config, requestHandler });
  const StreamName = uniqueName();
  await client.send(new streams.CreateStreamCommand({ StreamName, ShardCount: 1 }));
  const arn = await eventually(async () => {
    const read = await client.send(new streams.DescribeStreamSummaryCommand({ StreamName }));
    const { StreamStatus, StreamARN } = read.StreamDescriptionSummary ?? {};
    return StreamStatus === 'ACTIVE' ? StreamARN : undefined;
  });
  try {
    await play(arn, async (...texts) => {
      const Records = texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: 'k' }));
      await client.send(new streams.PutRecordsCommand({ StreamName, Records }));
    });
  } finally {
    await client.send(new streams.DeleteStreamCommand({ StreamName }));
  }
}

const bodies = async (inbox: Inbox, count: number) => (await inbox.take(count)).map(({ Body }) => Body).sort();

/** An enrichment that answers what the message asks for: its body is the answer, as JSON. */
const ANSWERING = 'exports.handler = async (events) => JSON.parse(events[0].body);';
const one = { SqsQueueParameters: { BatchSize: 1 } };

const cases: readonly Case[] = [
  {
    name: 'what passes the filter goes to the target as its template says',
    says: 'Pipes filtering; input transformation: "<$.body.name>", "JSON path … values of the event"; "Input transformers are applied separately on each individual JSON record in the array, not the array as a whole"',
    run: (target) =>
      between(target, async (source, sink) => {
        const definition: Definition = {
          Source: source.arn,
          Target: sink.arn,
          SourceParameters: {
            FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ body: { n: [{ numeric: ['>', 1] }] } }) }] },
          },
          TargetParameters: { InputTemplate: '{"got": <$.body.n>, "by": "<aws.pipes.pipe-name>"}' },
        };
        await piping(target, definition, async ({ Name }) => {
          await source.send('{"n":1}', '{"n":2}', '{"n":3}');
          same(
            (await bodies(sink, 2)).map((body) => JSON.parse(body!)),
            [2, 3].map((got) => ({ got, by: Name })),
          );
        });
      }),
  },
  {
    name: 'an enrichment may answer less, more, or nothing: then the target is not invoked',
    says: 'Filtering events using enrichment: "If you do not want to invoke the target, return an empty response, such as "", {}, or []"; "If you want to invoke the target with an empty payload, return an array with empty JSON [{}]"',
    run: (target) =>
      between(target, (source, sink) =>
        withFunction(target, ANSWERING, {}, ({ arn }) =>
          piping(target, { Source: source.arn, SourceParameters: one, Enrichment: arn, Target: sink.arn }, async () => {
            for (const answer of ['[]', '{}', '""', '[{}]', '[{"a":1},{"a":2}]']) await source.send(answer);
            same(await bodies(sink, 3), ['{"a":1}', '{"a":2}', '{}']);
            await source.send('[{"last":true}]');
            same(await bodies(sink, 1), ['{"last":true}']);
          }),
        ),
      ),
  },
  {
    name: 'an answer larger than the batch that the target takes invokes nothing; the records of a stream go to the dead-letter queue, as positions',
    says: 'Batching: "if the array is larger than the batch size supported by the target, the pipe won\'t invoke the target"; dead letters of stream sources: "metadata … KinesisBatchInfo"; MaximumRetryAttempts',
    run: (target) =>
      withStream(target, (Source, put) =>
        withQueue(target, (dead) =>
          withQueue(target, (sink) =>
            withFunction(
              target,
              'exports.handler = async (events) => { const text = Buffer.from(events[0].data, "base64").toString(); return Array.from({ length: Number(text) }, (_, i) => ({ i })); };',
              {},
              async ({ arn }) => {
                await put('11', '10');
                const SourceParameters: sdk.PipeSourceParameters = {
                  KinesisStreamParameters: {
                    StartingPosition: 'TRIM_HORIZON',
                    BatchSize: 1,
                    MaximumRetryAttempts: 0,
                    DeadLetterConfig: { Arn: dead.arn },
                  },
                };
                await piping(target, { Source, SourceParameters, Enrichment: arn, Target: sink.arn }, async () => {
                  same((await sink.take(10)).length, 10);
                  const [lost] = await dead.take(1);
                  const { KinesisBatchInfo } = JSON.parse(lost!.Body!);
                  same([KinesisBatchInfo.batchSize, KinesisBatchInfo.streamArn], [1, Source]);
                  if (lost!.Body!.includes('"data"')) throw new Error('the dead letter holds the record itself');
                });
              },
            ),
          ),
        ),
      ),
  },
  {
    name: 'a function as target names what failed; only that goes again, and then to the dead-letter queue',
    says: 'Partial batch failure: "{ "batchItemFailures": [ { "itemIdentifier": "id2" } ] }"; for Kinesis the eventID; "For Amazon SQS and stream sources … EventBridge automatically re-tries batching the remaining payload"',
    run: (target) =>
      withStream(target, (Source, put) =>
        withQueue(target, (dead) =>
          withFunction(
            target,
            'exports.handler = async (events) => ({ batchItemFailures: events.filter(({ data }) => Buffer.from(data, "base64").toString() === "bad").map(({ eventID }) => ({ itemIdentifier: eventID })) });',
            {},
            async ({ arn }) => {
              await put('a', 'bad', 'c');
              const SourceParameters: sdk.PipeSourceParameters = {
                KinesisStreamParameters: {
                  StartingPosition: 'TRIM_HORIZON',
                  BatchSize: 10,
                  MaximumRetryAttempts: 1,
                  DeadLetterConfig: { Arn: dead.arn },
                },
              };
              await piping(target, { Source, SourceParameters, Target: arn }, async () => {
                const { KinesisBatchInfo } = JSON.parse((await dead.take(1))[0]!.Body!);
                same(KinesisBatchInfo.batchSize, 1);
              });
            },
          ),
        ),
      ),
  },
  {
    name: 'what a pipe may be, and its states',
    says: 'CreatePipe: "you can\'t configure a pipe with a larger batch size than the target supports"; ConflictException, NotFoundException, ValidationException; StartPipe, StopPipe',
    run: (target) =>
      between(target, (source, sink) =>
        piping(target, { Source: source.arn, Target: sink.arn }, async ({ client, Name }) => {
          const create = (more: Partial<sdk.CreatePipeCommandInput>) =>
            errorOf(
              client.send(
                new sdk.CreatePipeCommand({
                  Name: uniqueName(),
                  RoleArn: roleOf(target),
                  Source: source.arn,
                  Target: sink.arn,
                  ...more,
                }),
              ),
            );
          same(
            [
              await create({ Name }),
              await create({ Name: 'x'.repeat(65) }),
              await create({ SourceParameters: { SqsQueueParameters: { BatchSize: 11 } } }),
              await errorOf(client.send(new sdk.DescribePipeCommand({ Name: `${Name}x` }))),
            ],
            ['ConflictException', 'ValidationException', 'ValidationException', 'NotFoundException'],
          );
          await client.send(new sdk.StopPipeCommand({ Name }));
          await until(client, Name, 'STOPPED');
          await source.send('while it stands');
          await client.send(new sdk.StartPipeCommand({ Name }));
          same((await sink.take(1)).length, 1);
          await until(client, Name, 'RUNNING');
        }),
      ),
  },
];

export const pipes: Suite = { service: 'pipes', cases, waits: true };

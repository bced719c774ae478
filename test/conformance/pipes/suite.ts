import * as sdk from '@aws-sdk/client-pipes';
import { errorOf, same, uniqueName } from '../expect.ts';
import { withStream } from '../kinesis/stream.ts';
import { withFunction, withQueue } from '../lambda/function.ts';
import { roleOf } from '../role.ts';
import type { Case, Suite } from '../suite.ts';
import { between, bodies, type Definition, piping, until } from './pipe.ts';

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

export const pipes: Suite = {
  service: 'pipes',
  costs: {
    makes: 'a pipe, a function, up to three queues, sometimes a Kinesis stream of one shard for an hour',
    dollars: 0.02,
  },
  cases,
  waits: true,
};

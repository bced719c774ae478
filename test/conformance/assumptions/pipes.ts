import type * as sdk from '@aws-sdk/client-pipes';
import { same } from '../expect.ts';
import { withStream } from '../kinesis/stream.ts';
import { withFunction, withQueue } from '../lambda/function.ts';
import { between, bodies, piping } from '../pipes/pipe.ts';
import type { Case } from '../suite.ts';

const ANSWERING = 'exports.handler = async (events) => JSON.parse(events[0].body);';
const one = { SqsQueueParameters: { BatchSize: 1 } };

/** Tells its queue what it was asked, and answers as `rest` says of `texts`. */
const enriching = (rest: string) => `
const { SQSClient, SendMessageCommand } = require('@aws-sdk/client-sqs');
const client = new SQSClient({});
exports.handler = async (events) => {
  const texts = events.map(({ data }) => Buffer.from(data, 'base64').toString());
  await client.send(new SendMessageCommand({ QueueUrl: process.env.TOLD, MessageBody: JSON.stringify(texts) }));
  ${rest}
};`;

const stream = (more: Partial<sdk.PipeSourceKinesisStreamParameters>): sdk.PipeSourceParameters => ({
  KinesisStreamParameters: { StartingPosition: 'TRIM_HORIZON', BatchSize: 10, ...more },
});

export const pipes: readonly Case[] = [
  {
    name: 'elements without an id of their own: a partial answer of the target repeats the batch whole',
    says: 'assumed: "retries batching the remaining payload" says nothing of enrichments that make other elements',
    run: (target) =>
      withStream(target, (Source, put) =>
        withQueue(target, (told) =>
          withFunction(
            target,
            enriching('return texts.map((text) => ({ text }));'),
            { Environment: { Variables: { TOLD: told.QueueUrl } } },
            (enrichment) =>
              withFunction(
                target,
                "let n = 0; exports.handler = async () => (++n === 1 ? { batchItemFailures: [{ itemIdentifier: 'x' }] } : {});",
                {},
                async ({ arn }) => {
                  await put('a', 'b');
                  const SourceParameters = stream({ MaximumRetryAttempts: 3 });
                  await piping(
                    target,
                    { Source, SourceParameters, Enrichment: enrichment.arn, Target: arn },
                    async () => same(await bodies(told, 2), ['["a","b"]', '["a","b"]']),
                  );
                },
              ),
          ),
        ),
      ),
  },
  {
    name: 'a batch is halved when its enrichment fails',
    says: 'OnPartialBatchItemFailure: "AUTOMATIC_BISECT … halves each batch and retry each half"; that a failed enrichment does so is assumed',
    run: (target) =>
      withStream(target, (Source, put) =>
        withQueue(target, (told) =>
          withQueue(target, (dead) =>
            withQueue(target, (sink) =>
              withFunction(
                target,
                enriching("if (texts.includes('bad')) throw new Error('no'); return texts.map((text) => ({ text }));"),
                { Environment: { Variables: { TOLD: told.QueueUrl } } },
                async ({ arn }) => {
                  await put('a', 'b', 'bad', 'd');
                  const SourceParameters = stream({
                    MaximumRetryAttempts: 4,
                    OnPartialBatchItemFailure: 'AUTOMATIC_BISECT',
                    DeadLetterConfig: { Arn: dead.arn },
                  });
                  await piping(target, { Source, SourceParameters, Enrichment: arn, Target: sink.arn }, async () => {
                    const { KinesisBatchInfo, ...rest } = JSON.parse((await dead.take(1))[0]!.Body!);
                    same(KinesisBatchInfo.batchSize, 1);
                    same(
                      ['context', 'version', 'timestamp'].map((member) => member in rest),
                      [true, true, true],
                    );
                    same(await bodies(sink, 3), ['{"text":"a"}', '{"text":"b"}', '{"text":"d"}']);
                    same((await bodies(told, 1))[0], '["a","b","bad","d"]');
                  });
                },
              ),
            ),
          ),
        ),
      ),
  },
  {
    name: 'an enrichment that answers null invokes nothing, and what is no array is one element',
    says: 'assumed: "return an empty response, such as "", {}, or []" does not name null',
    run: (target) =>
      between(target, (source, sink) =>
        withFunction(target, ANSWERING, {}, ({ arn }) =>
          piping(target, { Source: source.arn, SourceParameters: one, Enrichment: arn, Target: sink.arn }, async () => {
            await source.send('null');
            await source.send('{"alone":1}');
            same(await bodies(sink, 1), ['{"alone":1}']);
            await source.send('[{"last":true}]');
            same(await bodies(sink, 1), ['{"last":true}']);
          }),
        ),
      ),
  },
  {
    name: 'a dynamic path parameter is read before the template; where a path has no value a template has null, a text nothing',
    says: 'assumed',
    run: (target) =>
      withQueue(target, (source) =>
        withQueue(
          target,
          (sink) =>
            piping(
              target,
              {
                Source: source.arn,
                SourceParameters: one,
                Target: sink.arn,
                TargetParameters: {
                  InputTemplate: '{"v": <$.body.v>, "none": <$.body.none>, "text": "[<$.body.none>]"}',
                  SqsQueueParameters: { MessageGroupId: '$.body.group', MessageDeduplicationId: '$.messageId' },
                },
              },
              async () => {
                await source.send('{"group":"g1","v":1}');
                const [message] = await sink.take(1);
                same(JSON.parse(message!.Body!), { v: 1, none: null, text: '[]' });
              },
            ),
          { FifoQueue: 'true' },
        ),
      ),
  },
];

import * as streams from '@aws-sdk/client-kinesis';
import * as sdk from '@aws-sdk/client-lambda';
import { errorOf, eventually, same } from '../expect.ts';
import { withStream } from '../kinesis/stream.ts';
import { type Made, withFunction, withQueue } from '../lambda/function.ts';
import { KINESIS, mapped, telling, told } from '../lambda/mapped.ts';
import type { Case, Target } from '../suite.ts';

const ALONE = { makes: 'a function', dollars: 0.0001 };

const on = (
  name: string,
  says: string,
  code: string,
  more: Partial<sdk.CreateFunctionCommandInput>,
  play: (made: Made) => Promise<void>,
): Case => ({ name, says, costs: ALONE, run: (target) => withFunction(target, code, more, play) });

type Mapping = Omit<sdk.CreateEventSourceMappingCommandInput, 'FunctionName' | 'EventSourceArn' | 'StartingPosition'>;

/** A function that reads a stream of one shard, in which the records are before it begins. */
const reading = (
  target: Target,
  records: readonly string[],
  code: string,
  mapping: Mapping,
  play: Parameters<typeof mapped>[3],
) =>
  withStream(target, async (EventSourceArn, put) => {
    await put(...records);
    await mapped(target, code, { EventSourceArn, StartingPosition: 'TRIM_HORIZON', BatchSize: 10, ...mapping }, play);
  });

export const lambda: readonly Case[] = [
  on(
    'how a timeout is told',
    'assumed after public reports',
    'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 5000));',
    { Timeout: 1 },
    async ({ invoke }) => {
      const { FunctionError, body } = await invoke({});
      const { errorType, errorMessage } = body as Record<string, string>;
      const worded = /^RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds$/.test(errorMessage ?? '');
      same([FunctionError, errorType, worded], ['Unhandled', 'Sandbox.Timedout', true]);
    },
  ),
  on(
    'how an end of the process is told',
    'assumed after public reports',
    `exports.handler = async ({ how }) => {
      if (how === 'exit') process.exit(1);
      const all = [];
      for (;;) all.push(new Array(1e5).fill(Math.random()));
    };`,
    { Timeout: 60 },
    async ({ invoke }) => {
      const told = async (how: string) => {
        const { FunctionError, body } = await invoke({ how });
        const { errorType, errorMessage } = body as Record<string, string>;
        return [FunctionError, errorType, /signal: killed/.test(errorMessage ?? '')];
      };
      same(
        [await told('exit'), await told('memory')],
        [
          ['Unhandled', 'Runtime.ExitError', false],
          ['Unhandled', 'Runtime.ExitError', true],
        ],
      );
    },
  ),
  on(
    'a function finds the SDK, and nothing that it does not bring along',
    'Node.js runtimes: "The Node.js runtimes include the AWS SDK for JavaScript v3"',
    `exports.handler = async () => ['@aws-sdk/client-sqs', '@aws-sdk/client-dynamodb', 'aws-cdk-lib', 'vitest'].map((name) => {
      try { require.resolve(name); return true; } catch { return false; }
    });`,
    {},
    async ({ invoke }) => same((await invoke({})).body, [true, true, false, false]),
  ),
  on(
    'Node.js 24 takes no callbacks',
    'Node.js: "Starting with Node.js 24, Lambda no longer supports the callback-based function handler"',
    'exports.handler = (event, context, callback) => callback(null, "called back");',
    { Runtime: 'nodejs24.x' },
    async ({ invoke }) => same((await invoke({})).FunctionError, 'Unhandled'),
  ),
  on(
    'an asynchronous payload has 1,048,576 bytes at most',
    'quotas: "Invocation payload: 1 MB for asynchronous"; the exact number is assumed',
    'exports.handler = async () => 1;',
    {},
    async ({ invoke }) => {
      const event = (bytes: number) => errorOf(invoke('x'.repeat(bytes - 2), { InvocationType: 'Event' }));
      same([await event(1_048_576), await event(1_048_577)], [undefined, 'RequestTooLargeException']);
    },
  ),
  {
    name: "a mapping's attempts come slower and slower",
    says: 'assumed; error handling of streams: "Lambda retries … with exponential backoff"',
    run: (target) =>
      reading(
        target,
        ['x'],
        telling('Date.now()', "throw new Error('no');"),
        { MaximumRetryAttempts: 5 },
        async (inbox) => {
          const times = (await told(inbox, 5)).flat().map(Number).sort();
          const [first = 0, last = 0] = [times[1]! - times[0]!, times[4]! - times[3]!];
          if (last <= first) throw new Error(`pauses of ${first} ms, then of ${last} ms`);
        },
      ),
  },
  {
    name: 'throttled calls are no attempts',
    says: 'assumed: throttled calls count neither as retries nor towards halving a batch',
    run: (target) =>
      withQueue(target, (dead) =>
        withStream(target, async (EventSourceArn, put) => {
          await put('a', 'b', 'c');
          const mapping = {
            EventSourceArn,
            StartingPosition: 'TRIM_HORIZON',
            BatchSize: 10,
            MaximumRetryAttempts: 0,
            BisectBatchOnFunctionError: true,
            Enabled: false,
            DestinationConfig: { OnFailure: { Destination: dead.arn } },
          } as const;
          await mapped(target, telling(KINESIS, ''), mapping, async (inbox, { client, FunctionName }) => {
            await client.send(new sdk.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
            const { EventSourceMappings = [] } = await client.send(
              new sdk.ListEventSourceMappingsCommand({ FunctionName }),
            );
            const { UUID } = EventSourceMappings[0]!;
            await eventually(async () => {
              const { State } = await client.send(new sdk.GetEventSourceMappingCommand({ UUID }));
              return State === 'Disabled' ? true : undefined;
            });
            await client.send(new sdk.UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
            await new Promise((resolve) => setTimeout(resolve, 4000));
            await client.send(new sdk.DeleteFunctionConcurrencyCommand({ FunctionName }));
            same(await told(inbox, 1), [['a', 'b', 'c']]);
          });
        }),
      ),
  },
  {
    name: 'after a partial answer the attempts are counted anew',
    says: 'assumed',
    run: (target) =>
      reading(
        target,
        ['1', '2', '3', '4'],
        telling(
          KINESIS,
          "if (bodies[0] === '1') return { batchItemFailures: [{ itemIdentifier: Records[1].kinesis.sequenceNumber }] }; if (bodies[0] === '2' && bodies.length > 1) throw new Error('no');",
        ),
        { MaximumRetryAttempts: 1, BatchSize: 3, FunctionResponseTypes: ['ReportBatchItemFailures'] },
        async (inbox) => same(await told(inbox, 4), [['1', '2', '3'], ['2', '3'], ['2', '3'], ['4']]),
      ),
  },
  {
    name: 'a partial answer that names none of the batch means that all failed',
    says: 'assumed for streams; SQS: "a complete failure if … an itemIdentifier with a message ID that doesn\'t exist"',
    run: (target) =>
      reading(
        target,
        ['1', '2'],
        telling(
          KINESIS,
          "globalThis.n = (globalThis.n ?? 0) + 1; if (globalThis.n === 1) return { batchItemFailures: [{ itemIdentifier: 'none' }] };",
        ),
        { MaximumRetryAttempts: 3, FunctionResponseTypes: ['ReportBatchItemFailures'] },
        async (inbox) =>
          same(await told(inbox, 2), [
            ['1', '2'],
            ['1', '2'],
          ]),
      ),
  },
  {
    name: "a queue's mapping has five batches at most under way at first",
    says: 'SQS scaling: "Lambda initially reads up to five batches and sends them to your function"',
    run: (target) =>
      withQueue(
        target,
        async (source) => {
          await source.send(...Array.from({ length: 8 }, (_, i) => `${i}`));
          await mapped(
            target,
            telling('Date.now()', 'await new Promise((resolve) => setTimeout(resolve, 2500));'),
            { EventSourceArn: source.arn, BatchSize: 1 },
            async (inbox) => {
              const begun = (await told(inbox, 8)).flat().map(Number).sort();
              const atOnce = begun.map((at) => begun.filter((other) => other >= at && other < at + 2000).length);
              if (Math.max(...atOnce) > 5) throw new Error(`${Math.max(...atOnce)} batches at once`);
            },
          );
        },
        { VisibilityTimeout: '30' },
      ),
  },
  {
    name: "a consumer's records bear the consumer's ARN as their source",
    says: 'assumed; the guide: "eventSourceARN" of a stream\'s event',
    run: (target) =>
      withStream(target, async (StreamARN, put, client) => {
        const { Consumer } = await client.send(
          new streams.RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'conformance' }),
        );
        const EventSourceArn = Consumer!.ConsumerARN!;
        await eventually(async () => {
          const read = new streams.DescribeStreamConsumerCommand({ ConsumerARN: EventSourceArn });
          const { ConsumerDescription } = await client.send(read);
          return ConsumerDescription?.ConsumerStatus === 'ACTIVE' ? true : undefined;
        });
        await put('x');
        await mapped(
          target,
          telling('record.eventSourceARN', ''),
          { EventSourceArn, StartingPosition: 'TRIM_HORIZON' },
          async (inbox) => same(await told(inbox, 1), [[EventSourceArn]]),
        );
      }),
  },
];

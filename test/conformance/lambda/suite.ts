import { createHash } from 'node:crypto';
import * as sdk from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import { createBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { errorOf, eventually, same, uniqueName } from '../expect.ts';
import type { Case, Suite, Target } from '../suite.ts';
import { archive, input, type Made, withFunction, withQueue } from './function.ts';
import { mappings } from './mappings.ts';

const on = (
  name: string,
  says: string,
  code: string,
  more: Partial<sdk.CreateFunctionCommandInput>,
  play: (made: Made, target: Target) => Promise<void>,
): Case => ({
  name,
  says,
  run: (target) => withFunction(target, code, more, (made) => play(made, target)),
});

const ECHO = 'exports.handler = async (event) => event;';
const answering = (text: string) => `exports.handler = async () => ${JSON.stringify(text)};`;
const MiB = 1024 * 1024;

/** What a payload of a failure tells; how many lines its trace has is nobody's business. */
function failure({ StatusCode, FunctionError, body }: Awaited<ReturnType<Made['invoke']>>) {
  const { errorType, errorMessage } = body as { errorType: string; errorMessage: string };
  return { StatusCode, FunctionError, errorType, errorMessage };
}

const cases: readonly Case[] = [
  on(
    'a function is made of an uploaded archive',
    'CreateFunction: "ZipFile: The base64-encoded contents of the deployment package. AWS SDK and AWS CLI clients handle the encoding for you."; CodeSha256: "The SHA256 hash of the function\'s deployment package."',
    ECHO,
    {},
    async ({ client, FunctionName, invoke }) => {
      const { StatusCode, ExecutedVersion, body } = await invoke({ a: [1, 'ü'] });
      same([StatusCode, ExecutedVersion, body], [200, '$LATEST', { a: [1, 'ü'] }]);
      const { Configuration } = await client.send(new sdk.GetFunctionCommand({ FunctionName }));
      const sha256 = createHash('sha256').update(archive(ECHO)).digest('base64');
      same(
        [Configuration?.CodeSha256, Configuration?.CodeSize, Configuration?.Timeout, Configuration?.MemorySize],
        [sha256, archive(ECHO).length, 3, 128],
      );
    },
  ),
  on(
    'new code, from S3 too, is for $LATEST: a version keeps its own',
    'UpdateFunctionCode; versions: "A function version includes … the function code and all associated dependencies"; PublishVersion: "Lambda doesn\'t publish a version if the function\'s configuration and code haven\'t changed since the last version."',
    answering('one'),
    { Publish: true },
    async ({ client, FunctionName, invoke }, target) => {
      const files = clientOf(target, s3.S3Client);
      const Bucket = uniqueName();
      const ready = () =>
        sdk.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 2 }, { FunctionName });
      const update = (code: Partial<sdk.UpdateFunctionCodeCommandInput>) =>
        client.send(new sdk.UpdateFunctionCodeCommand({ FunctionName, ...code }));
      await createBucket(files, Bucket);
      try {
        await files.send(new s3.PutObjectCommand({ Bucket, Key: 'code.zip', Body: archive(answering('two')) }));
        await update({ S3Bucket: Bucket, S3Key: 'code.zip' });
        await ready();
        same(await errorOf(update({ S3Bucket: Bucket, S3Key: 'none' })), 'InvalidParameterValueException');
      } finally {
        await files.send(new s3.DeleteObjectCommand({ Bucket, Key: 'code.zip' }));
        await files.send(new s3.DeleteBucketCommand({ Bucket }));
      }
      same([(await invoke({})).body, (await invoke({}, { Qualifier: '1' })).body], ['two', 'one']);
      const publish = async () => (await client.send(new sdk.PublishVersionCommand({ FunctionName }))).Version;
      same([await publish(), await publish()], ['2', '2']);
      await update({ ZipFile: archive(answering('three')), DryRun: true });
      same((await invoke({})).body, 'two');
      await update({ ZipFile: archive(answering('three')) });
      await ready();
      same([(await invoke({})).body, (await invoke({}, { Qualifier: '2' })).body], ['three', 'two']);
    },
  ),
  {
    name: 'what is refused with the creation',
    says: 'InvalidParameterValueException: "One of the parameters in the request is not valid."; MemorySize 128 to 10,240, Timeout up to 900; "Handler, Runtime: required if the deployment package is a .zip file archive"',
    async run(target) {
      const client = clientOf(target, sdk.LambdaClient);
      const refused = async (more: Partial<sdk.CreateFunctionCommandInput>) => {
        const given = { ...input(target, uniqueName(), ECHO), ...more };
        const name = await errorOf(client.send(new sdk.CreateFunctionCommand(given)));
        if (name === undefined) await client.send(new sdk.DeleteFunctionCommand({ FunctionName: given.FunctionName }));
        return name ?? 'accepted';
      };
      same(
        [
          await refused({ Code: { ZipFile: Buffer.from('no archive') } }),
          await refused({ Code: { ZipFile: archive(ECHO).subarray(0, -1) } }),
          await refused({ Code: {} }),
          await refused({ Handler: undefined }),
          await refused({ Runtime: undefined }),
          await refused({ Environment: { Variables: { AWS_REGION: 'x' } } }),
          await refused({ Environment: { Variables: { LONG: 'x'.repeat(4096) } } }),
        ],
        Array.from({ length: 7 }, () => 'InvalidParameterValueException'),
      );
      const bounds = [{ MemorySize: 127 }, { MemorySize: 10_241 }, { Timeout: 901 }, { Timeout: 0 }];
      for (const more of bounds) {
        const name = await refused(more);
        if (!/^(ValidationException|InvalidParameterValueException)$/.test(name))
          throw new Error(`${JSON.stringify(more)}: ${name}`);
      }
      same(
        await errorOf(client.send(new sdk.GetFunctionCommand({ FunctionName: uniqueName() }))),
        'ResourceNotFoundException',
      );
    },
  },
  on(
    'a name is taken once',
    'ResourceConflictException: "The resource already exists, or another operation is in progress."',
    ECHO,
    {},
    async ({ client, FunctionName }, target) => {
      const again = client.send(new sdk.CreateFunctionCommand(input(target, FunctionName, ECHO)));
      same(await errorOf(again), 'ResourceConflictException');
    },
  ),
  on(
    'an error of the function is an answer',
    'Invoke: "FunctionError: If present, indicates that an error occurred during function execution. Details about the error are included in the response payload."; errors of Node.js: errorType, errorMessage, trace',
    'class Odd extends Error { name = "Odd" } exports.handler = async () => { throw new Odd("no"); };',
    {},
    async ({ invoke }) => {
      const answer = await invoke({});
      same(failure(answer), { StatusCode: 200, FunctionError: 'Unhandled', errorType: 'Odd', errorMessage: 'no' });
      if (!Array.isArray((answer.body as { trace: unknown }).trace)) throw new Error('there is no trace');
    },
  ),
  on(
    'a handler that is not there is found out by the invocation',
    'Runtime.HandlerNotFound, Runtime.ImportModuleError: the runtime interface client of Node.js',
    ECHO,
    { Handler: 'index.other' },
    async ({ client, FunctionName, invoke }) => {
      const { errorType, FunctionError } = failure(await invoke({}));
      same([errorType, FunctionError], ['Runtime.HandlerNotFound', 'Unhandled']);
      await client.send(new sdk.UpdateFunctionConfigurationCommand({ FunctionName, Handler: 'none.handler' }));
      await sdk.waitUntilFunctionUpdatedV2({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 2 }, { FunctionName });
      same(failure(await invoke({})).errorType, 'Runtime.ImportModuleError');
    },
  ),
  on(
    'who takes longer than the timeout is ended',
    'Timeout: "The amount of time (in seconds) that Lambda allows a function to run before stopping it."; "Task timed out after 1.00 seconds"',
    'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 5000));',
    { Timeout: 1 },
    async ({ invoke }) => {
      const { FunctionError, errorMessage } = failure(await invoke({}));
      same([FunctionError, /Task timed out after 1\.00 seconds/.test(errorMessage)], ['Unhandled', true]);
    },
  ),
  on(
    'payloads have their limits',
    'Invoke: "For synchronous invocations, the maximum payload size is 6 MB. For asynchronous invocations, the maximum payload size is 1 MB."; RequestTooLargeException; Function.ResponseSizeTooLarge; InvalidRequestContentException: "The request body could not be parsed as JSON."',
    'exports.handler = async ({ size }) => "x".repeat(size ?? 0);',
    {},
    async ({ client, FunctionName, invoke }) => {
      same(await errorOf(invoke({ x: 'x'.repeat(6 * MiB) })), 'RequestTooLargeException');
      const event = errorOf(invoke({ x: 'x'.repeat(1.1 * MiB) }, { InvocationType: 'Event' }));
      same(await event, 'RequestTooLargeException');
      same(((await invoke({ size: 6_000_000 })).body as string).length, 6_000_000);
      const { FunctionError, errorType } = failure(await invoke({ size: 6.1 * MiB }));
      same([FunctionError, errorType], ['Unhandled', 'Function.ResponseSizeTooLarge']);
      const broken = new sdk.InvokeCommand({ FunctionName, Payload: Buffer.from('{') });
      same(await errorOf(client.send(broken)), 'InvalidRequestContentException');
    },
  ),
  on(
    'the kinds of invocations, and their logs',
    'Invoke: "The status code in the API response doesn\'t reflect function errors … 200 RequestResponse, 202 Event, 204 DryRun"; "LogResult: The last 4 KB of the execution log, which is base64-encoded."',
    'exports.handler = async () => { console.log("said"); return 1; };',
    {},
    async ({ client, FunctionName, arn, invoke }) => {
      const statuses: (number | undefined)[] = [];
      for (const InvocationType of ['RequestResponse', 'Event', 'DryRun'] as const)
        statuses.push((await invoke({}, { InvocationType })).StatusCode);
      same(statuses, [200, 202, 204]);
      const { LogResult = '' } = await invoke({}, { LogType: 'Tail' });
      const log = Buffer.from(LogResult, 'base64').toString();
      if (!/START RequestId: [\s\S]*said[\s\S]*END RequestId: /.test(log)) throw new Error(`the log is ${log}`);
      same((await invoke({}, { FunctionName: `${arn}:$LATEST` })).body, 1);
      same(await errorOf(invoke({}, { Qualifier: 'none' })), 'ResourceNotFoundException');
      same(
        await errorOf(client.send(new sdk.InvokeCommand({ FunctionName: `${FunctionName}x` }))),
        'ResourceNotFoundException',
      );
    },
  ),
  on(
    'reserved concurrency is the most that runs at once',
    'Reserved concurrency: "This is both the maximum and minimum number of concurrent instances … To throttle a function, set the reserved concurrency to zero"; TooManyRequestsException, Reason ReservedFunctionConcurrentInvocationLimitExceeded',
    'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 1500, "done"));',
    {},
    async ({ client, FunctionName, invoke }) => {
      const reserve = (ReservedConcurrentExecutions: number) =>
        client.send(new sdk.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
      await reserve(0);
      const refused = await eventually(async () => {
        try {
          await invoke({});
          return undefined;
        } catch (error) {
          const { name, Reason, $metadata } = error as sdk.TooManyRequestsException;
          return [name, Reason, $metadata.httpStatusCode];
        }
      });
      same(refused, ['TooManyRequestsException', 'ReservedFunctionConcurrentInvocationLimitExceeded', 429]);
      await reserve(1);
      const outcomes = await eventually(async () => {
        const both = await Promise.all(
          [1, 2].map(() =>
            invoke({}).then(
              ({ body }) => body,
              (error) => error.name,
            ),
          ),
        );
        return both.includes('done') ? both.sort() : undefined;
      });
      same(outcomes, ['TooManyRequestsException', 'done']);
      await client.send(new sdk.DeleteFunctionConcurrencyCommand({ FunctionName }));
      const read = await client.send(new sdk.GetFunctionConcurrencyCommand({ FunctionName }));
      same(read.ReservedConcurrentExecutions, undefined);
    },
  ),
  {
    name: 'what became of an asynchronous invocation goes to its destination, a failed event to the dead-letter queue as well',
    says: 'Destinations: "Lambda sends … an invocation record with details about the request and response" (requestContext.condition Success, RetriesExhausted); dead-letter queue: "Lambda sends the event to the dead-letter queue as-is, with additional information in attributes. RequestID, ErrorCode, ErrorMessage". The pauses of one and two minutes before retries are judged in virtual time (test/local/lambda/invoke.test.ts)',
    run: (target) =>
      withQueue(target, (records) =>
        withQueue(target, (dead) =>
          withFunction(
            target,
            'exports.handler = async ({ fails }) => { if (fails) throw new Error("bad"); return { n: 1 }; };',
            { DeadLetterConfig: { TargetArn: dead.arn } },
            async ({ client, FunctionName, arn, invoke }) => {
              const destination = { Destination: records.arn };
              await client.send(
                new sdk.PutFunctionEventInvokeConfigCommand({
                  FunctionName,
                  MaximumRetryAttempts: 0,
                  DestinationConfig: { OnSuccess: destination, OnFailure: destination },
                }),
              );
              await invoke({ fails: false }, { InvocationType: 'Event' });
              const told = async () => {
                const { requestContext, requestPayload, responsePayload, responseContext } = JSON.parse(
                  (await records.take(1))[0]!.Body!,
                );
                const { condition, approximateInvokeCount, functionArn } = requestContext;
                return {
                  condition,
                  count: approximateInvokeCount,
                  functionArn,
                  requestPayload,
                  error: responseContext.functionError,
                  answer: responsePayload.errorMessage ?? responsePayload,
                };
              };
              const both = { count: 1, functionArn: `${arn}:$LATEST` };
              same(await told(), {
                condition: 'Success',
                ...both,
                requestPayload: { fails: false },
                error: undefined,
                answer: { n: 1 },
              });
              await invoke({ fails: true }, { InvocationType: 'Event' });
              same(await told(), {
                condition: 'RetriesExhausted',
                ...both,
                requestPayload: { fails: true },
                error: 'Unhandled',
                answer: 'bad',
              });
              const [event] = await dead.take(1);
              const { RequestID, ErrorCode, ErrorMessage } = event!.MessageAttributes!;
              same(
                [event!.Body, ErrorCode?.StringValue, ErrorMessage?.StringValue, RequestID?.StringValue?.length],
                ['{"fails":true}', '200', 'bad', 36],
              );
              const range = { FunctionName, MaximumRetryAttempts: 3 };
              const name = await errorOf(client.send(new sdk.PutFunctionEventInvokeConfigCommand(range)));
              if (!/^(ValidationException|InvalidParameterValueException)$/.test(name ?? ''))
                throw new Error(`3 retries: ${name}`);
            },
          ),
        ),
      ),
  },
  ...mappings,
];

export const lambda: Suite = {
  service: 'lambda',
  costs: {
    makes: 'a function, up to three queues, sometimes a Kinesis stream of one shard for an hour',
    dollars: 0.02,
  },
  cases,
  waits: true,
};

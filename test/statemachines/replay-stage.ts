import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type AnyProjection, dynamoProjectionTable, type ReplayRequest } from 'daybook';
import { type Cloud, createCloud, type Json, ROOT, ServiceError } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { FORWARDED } from '../../local/eventbridge/target-call.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { createStepFunctions } from '../../local/stepfunctions/service.ts';
import type { GlueTable } from '../../src/archive/current-view.ts';
import { dynamoBuilds } from '../../src/aws/dynamo-builds.ts';
import { dynamoEventTable } from '../../src/aws/dynamo-event-table.ts';
import { endOfExecution, isRunning } from '../../src/aws/sfn-executions.ts';
import { tableSize } from '../../src/aws/table-size.ts';
import { createRunnerOf } from '../../src/projection/runner.ts';
import type { ArchiveFiles } from '../../src/replay/archive-files.ts';
import { catchUp, catchUpStart, sumOfParts } from '../../src/replay/catch-up.ts';
import { cleanUp } from '../../src/replay/clean-up.ts';
import { endReplay } from '../../src/replay/end.ts';
import { noteFailure } from '../../src/replay/failure.ts';
import { foldSlice } from '../../src/replay/fold.ts';
import { plan } from '../../src/replay/plan.ts';
import { verify, verifyPart, verifyStart } from '../../src/replay/verify.ts';
import { makeDynamoTables } from '../contract/dynamo-tables.ts';
import { createProjectionsTable } from '../local/create-projections-table.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { folderArchive } from '../src/replay/folder-archive.ts';

/**
 * What befalls the n-th call of a service, right after it was done: `kill` ends the function (its other calls never come
 * about), or loses the answer on its way to the machine; `stop` stops the execution; `refuse` throttles it, and it is not done.
 */
/** `timeOut` ends it as Lambda does when its time is over. */
export type Fault = 'kill' | 'timeOut' | 'stop' | 'refuse' | undefined;

interface Invocation {
  readonly name: string;
  dead: boolean;
  readonly die: (reason: Error) => void;
}

/** How Lambda tells of it. */
const ENDS = {
  kill: ['Runtime.ExitError', 'killed'],
  timeOut: ['Sandbox.Timedout', 'Task timed out after 900.00 seconds'],
} as const;
const NEVER = new Promise<never>(() => {});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export type Stage = Awaited<ReturnType<typeof replayStage>>;

/**
 * The machine of statemachines/replay.asl.json in the embedded Step Functions, the verbs of its functions in this process, and
 * the embedded DynamoDB under the SDK: every call of all of them is counted, and something may befall each.
 */
export async function replayStage(projections: readonly AnyProjection[]) {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-stage-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder; // a killed function leaves its files behind
  const kernel = realKernel({ seed: 1 });
  // Pauses before retries are as short as may be: a hundredth.
  const after = (ms: number, task: () => unknown) => kernel.scheduler.after(ms / 100, task);
  const cloud = createCloud({ ...kernel, scheduler: { ...kernel.scheduler, after } });
  const within = new AsyncLocalStorage<Invocation>();
  const stage = {
    projections,
    calls: 0,
    /** What the last calls were, for who reads a failure. */
    lastCall: '',
    /** `by` is a function, or the machine itself. */
    befalls: (_call: number, _what: string, _by: string): Fault | Promise<Fault> => undefined,
    /** Answers in a function's place. */
    answers: {} as Record<string, (() => Json) | undefined>,
    announced: [] as { detailType: string; detail: Json }[],
    isLate: () => false,
    /** What the table tells of its size, in place of what it has. */
    told: {} as { aggregates?: number },
    /** What the plan is told beside the request: how much a pass reads. */
    planned: {} as { passBytes?: number },
    /** The view of the events, which names the generation of compacted files that queries see. */
    view: { Name: 'events_current', Parameters: {} } as GlueTable,
    /** What folds were asked for, one after the other. */
    folds: [] as { bucket: string; pass: number; again: Json }[],
    /** Why executions failed, the Map's own as well: a Map only tells that too many of its items did. */
    causes: [] as string[],
  };
  let current = '';
  let running = 0;
  /** Ends that are due to be told, and what is done about those that were. */
  let due = 0;
  const endings: Promise<unknown>[] = [];

  /** One call of a service: counted, and whatever befalls it. */
  async function counted<T>(what: string, call: () => Promise<T>): Promise<T> {
    const invocation = within.getStore();
    if (invocation?.dead) return NEVER;
    const number = ++stage.calls;
    stage.lastCall = `${invocation?.name ?? 'machine'}: ${what}`;
    const fault = await within.exit(() => stage.befalls(number, what, invocation?.name ?? 'machine'));
    if (fault === 'refuse') throw new ServiceError('ThrottlingException', 'injected');
    const answer = await call();
    if (fault === 'stop') await raw('StopExecution', { executionArn: current }).catch(() => {});
    if (fault === 'kill' || fault === 'timeOut') {
      if (invocation === undefined) throw new ServiceError('InternalServerError', 'injected', { status: 500 });
      invocation.dead = true;
      const [type, message] = ENDS[fault];
      invocation.die(Object.assign(new Error(message), { name: type }));
      return NEVER;
    }
    return answer;
  }
  const raw = (operation: string, input: Json): Promise<Json> => cloud.call(ROOT, 'states', operation, input);

  const watched: Cloud = Object.assign(Object.create(cloud), {
    call(caller: Json, service: string, operation: string, input: Json) {
      const passes = service === 'lambda' || service === 'states' || FORWARDED in (input ?? {});
      const call = () => cloud.call(caller, service as 'dynamodb', operation, input);
      return passes ? call() : counted(`${service} ${operation}`, call);
    },
  });
  createDynamoDb(cloud);
  createStepFunctions(watched);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  const theirs = new DynamoDBClient({ ...SDK_CONFIG, maxAttempts: 3, requestHandler: sdkHandler(watched) });
  const states = new SFNClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  const { tableName, table: events } = await makeDynamoTables(client);
  const TableName = 'projections';
  await createProjectionsTable(client, TableName);
  const table = dynamoProjectionTable({ client, tableName: TableName });
  const builds = dynamoBuilds({ client, tableName: TableName });
  const archive = folderArchive(folder);
  const files: ArchiveFiles = {
    ...archive,
    readText: (key) => counted(`read ${key}`, () => archive.readText(key)),
    writeText: (key, content) => counted(`write ${key}`, () => archive.writeText(key, content)),
    writeBytes: (key, content) => counted(`write ${key}`, () => archive.writeBytes(key, content)),
    download: (key, path) => counted(`download ${key}`, () => archive.download(key, path)),
    copyPart: (key, ...given) => counted(`download ${key}`, () => archive.copyPart(key, ...given)),
  };
  const ports = {
    files,
    table: dynamoProjectionTable({ client: theirs, tableName: TableName }),
    builds: dynamoBuilds({ client: theirs, tableName: TableName }),
    events: dynamoEventTable({ client: theirs, tableName }),
    size: async () => ({ ...(await tableSize(theirs, tableName)), ...stage.told }),
    isRunning: (execution: string) => isRunning(states, execution),
    now: Date.now,
  };
  const runnerOf = (given: Json) => createRunnerOf(stage.projections, given.plan);
  const isLate = () => stage.isLate();
  const functions: Record<string, (given: Json) => Promise<Json>> = {
    Plan: ({ request, ...options }) => plan(ports, stage.projections, { ...options, ...stage.planned }, request),
    Fold: (given) => {
      const { plan: made, slice, pass, again, resumed } = given;
      stage.folds.push({ bucket: slice.bucket, pass, again });
      const options = { pass, resumed, ...(again !== null && { again }) };
      return noteFailure(ports.builds, made, async () => foldSlice(ports, runnerOf(given), made, slice, options));
    },
    CatchUp: async (given) =>
      catchUp(ports, runnerOf(given), given.plan, given.progress ?? catchUpStart(given.part), isLate),
    Verify: async (given) => {
      const caughtUp = sumOfParts(given.caughtUp);
      if ('verified' in given) return verify(ports, runnerOf(given), given.plan, caughtUp, given.verified);
      const progress = given.progress ?? verifyStart(given.part);
      return verifyPart(ports, runnerOf(given), given.plan, caughtUp, progress, isLate);
    },
  };

  /** A function of the machine, in an environment of its own: killed, it answers as Lambda answers for it. */
  async function invoke(name: string, given: Json): Promise<Json> {
    let die: (reason: Error) => void = () => {};
    const death = new Promise<never>((_, reject) => {
      die = reject;
    });
    const invocation: Invocation = { name, dead: false, die };
    running++;
    try {
      const work = within.run(invocation, async () => {
        const instead = stage.answers[name];
        return instead === undefined ? await functions[name]!(given) : instead();
      });
      const answer = await Promise.race([work, death]);
      return { StatusCode: 200, Payload: Buffer.from(JSON.stringify(answer ?? null)) };
    } catch (error) {
      const { name: type, message } = error as Error;
      const failure = { errorType: type, errorMessage: message, trace: [] };
      return { StatusCode: 200, FunctionError: 'Unhandled', Payload: Buffer.from(JSON.stringify(failure)) };
    } finally {
      invocation.dead = true;
      running--;
    }
  }
  cloud.register({
    name: 'lambda',
    handle: (_, { FunctionName, Payload }) => invoke(FunctionName.split(':').at(-1), JSON.parse(Payload)),
  });
  cloud.register({
    name: 'glue',
    handle: () => ({ Table: stage.view }),
  });
  const ended = { table, builds, now: Date.now, pause: async () => {} };
  cloud.register({
    name: 'events',
    handle(_, input) {
      const status = input[FORWARDED];
      if (status === undefined) {
        for (const { DetailType, Detail } of input.Entries)
          stage.announced.push({ detailType: DetailType, detail: JSON.parse(Detail) });
        return { FailedEntryCount: 0, Entries: input.Entries.map(() => ({ EventId: 'e' })) };
      }
      const { detail } = status.parsed();
      if (detail.status === 'FAILED') stage.causes.push(detail.cause);
      if (
        detail.executionArn.includes(':execution:replay:') &&
        ['SUCCEEDED', 'FAILED', 'ABORTED'].includes(detail.status)
      )
        endings.push(endReplay(ended, detail, () => false));
      return { FailedEntryCount: 0, Entries: [] };
    },
  });

  const account = 'us-east-1:000000000000';
  const arn = (name: string) => `arn:aws:lambda:${account}:function:${name}`;
  const names: Record<string, string> = {
    ...Object.fromEntries(
      ['Plan', 'Fold', 'CatchUp', 'Verify', 'Report'].map((name) => [`Replay${name}FunctionArn`, arn(name)]),
    ),
    ...{
      ProjectionsTableName: TableName,
      EventBusName: 'bus',
      DatabaseName: 'db',
      WorkGroupName: 'w',
      ArchiveBucketName: 'b',
    },
  };
  const asl = readFileSync(fileURLToPath(new URL('../../statemachines/replay.asl.json', import.meta.url)), 'utf8');
  const { stateMachineArn } = await raw('CreateStateMachine', {
    name: 'replay',
    roleArn: 'arn:aws:iam::000000000000:role/replay',
    definition: asl.replaceAll(/\$\{(\w+)\}/g, (_, name) => names[name] ?? name),
  });

  /** Until it has ended, what was told of its end is done, and no function of it is under way. */
  async function settle(executionArn: string) {
    for (;;) {
      const answer = await raw('DescribeExecution', { executionArn });
      if (
        answer.status !== 'RUNNING' &&
        answer.status !== 'PENDING_REDRIVE' &&
        running === 0 &&
        endings.length === due
      ) {
        await Promise.all(endings);
        return { ...answer, output: answer.output && JSON.parse(answer.output) } as Json;
      }
      await pause(1);
    }
  }

  return Object.assign(stage, {
    folder,
    archive,
    events,
    table,
    builds,
    async run(name: string, request: ReplayRequest) {
      stage.calls = 0;
      stage.causes = [];
      stage.folds = [];
      const started = await raw('StartExecution', { stateMachineArn, name, input: JSON.stringify(request) });
      current = started.executionArn;
      due++;
      return await settle(current);
    },
    async redrive() {
      await raw('RedriveExecution', { executionArn: current });
      due++;
      return await settle(current);
    },
    cleanUp: () =>
      cleanUp(
        { ...ended, ended: (execution) => endOfExecution(states, execution) },
        stage.projections,
        { buildDays: 14, reportDays: 90 },
        () => false,
      ),
    close() {
      for (const each of [client, theirs, states]) each.destroy();
      kernel.stop();
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

import type { Json } from '../../local/cloud.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import type { Audit } from './audit.ts';
import { type Cores, RULE_PATTERN, TABLES } from './cores.ts';
import type { FunctionHost, FunctionOptions } from './function-host.ts';
import type { Consumer } from './plan.ts';
import type { World } from './world.ts';

const ACCOUNT = 'us-east-1:000000000000';
export const functionArn = (name: string) => `arn:aws:lambda:${ACCOUNT}:function:${name}`;
export const feedArn = (name: string) => `arn:aws:kinesis:${ACCOUNT}:stream/${name}`;
const queueArn = (name: string) => `arn:aws:sqs:${ACCOUNT}:${name}`;

/** One feed as the constructs deploy it: stream, pipe, functions, mappings, rule and queues. */
export interface Deployment {
  readonly feed: string;
  /** By reader: its event source mapping. */
  readonly mappings: ReadonlyMap<string, string>;
  reconcile(): Promise<void>;
  runPipe(on: boolean): Promise<void>;
  /** A person redrives what is parked. */
  redrive(parked: readonly { readonly consumer: string; readonly aggregate: string }[]): Promise<void>;
  /** Another feed takes over: pipe and readers go, one after the other. */
  retire(): Promise<void>;
  /** The pipe deleted and made again, at either end of the table stream. */
  recreatePipe(from: 'TRIM_HORIZON' | 'LATEST'): Promise<void>;
}

export async function deployFeed(
  world: World,
  cores: Cores,
  audit: Audit,
  host: FunctionHost,
  feed: string,
  from: string,
): Promise<Deployment> {
  const { plan } = world;
  const { call } = cores;
  const name = (of: string) => (feed === FIRST_FEED ? of : `${of}-of-${feed}`);
  const mappings = new Map<string, string>();
  const variables = {
    FEED_ID: feed,
    EVENTS_TABLE: TABLES.events,
    CONFIRMED_TABLE: TABLES.confirmed,
    POSITIONS_TABLE: TABLES.positions,
    PROJECTIONS_TABLE: TABLES.projections,
    EFFECTS_TABLE: TABLES.effects,
    EVENT_BUS: 'default',
    ...(from !== 'start' && { FEED_FROM: from }),
  };
  const deploy = (of: string, options: Omit<FunctionOptions, 'name' | 'variables'>) =>
    host.deploy({ name: name(of), variables: { ...variables, CONSUMER: of }, ...options });
  const read = async (of: string, source: Json = {}) => {
    const { UUID } = await call('lambda', 'CreateEventSourceMapping', {
      FunctionName: name(of),
      EventSourceArn: feedArn(feed),
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: world.pick(1, 10),
      BisectBatchOnFunctionError: true,
      ParallelizationFactor: world.pick(1, 3),
      MaximumRetryAttempts: -1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ...source,
    });
    mappings.set(of, UUID);
  };

  /** What a reader does not give back is done for good. */
  const answering =
    (of: string, around: Around): Around =>
    (run, event) =>
      around(async () => {
        const answer = await run();
        for (const envelope of takenOf(event, answer)) if (envelope.feed === feed) audit.acknowledged(of, envelope);
        return answer;
      }, event);

  await call('kinesis', 'CreateStream', { StreamName: feed, ShardCount: plan.shards });

  await deploy('enrichment', { entry: 'table-to-feed', timeoutSeconds: 60, around: enrichmentFaults(world) });
  const deadLetters = name('dead-letters');
  // Its margin is 20 s: with 21 s it ends after the first page or so, and the next run goes on from there.
  const reconcileSeconds = [20, 21, 60, 300][world.pick(0, 3)]!;
  const withDeadLetters = plan.faults.has('deadLetters');
  if (withDeadLetters) {
    await call('sqs', 'CreateQueue', {
      QueueName: deadLetters,
      Attributes: { VisibilityTimeout: String(reconcileSeconds) },
    });
  }
  if (plan.lanes > 1) world.struck('lanes');
  const pipe = (from: string): Json => ({
    Name: name('pipe'),
    RoleArn: 'pipe',
    Source: cores.db.streamArnOf(TABLES.events),
    SourceParameters: {
      DynamoDBStreamParameters: {
        StartingPosition: from,
        BatchSize: plan.pipeBatch,
        MaximumBatchingWindowInSeconds: plan.windowSeconds,
        ParallelizationFactor: plan.lanes,
        ...(!plan.faults.has('wholeRetry') && { OnPartialBatchItemFailure: 'AUTOMATIC_BISECT' }),
        ...(withDeadLetters && { MaximumRetryAttempts: 1, DeadLetterConfig: { Arn: queueArn(deadLetters) } }),
      },
    },
    Enrichment: functionArn(name('enrichment')),
    Target: feedArn(feed),
    TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.aggregate' } },
  });
  await call('pipes', 'CreatePipe', pipe('TRIM_HORIZON'));

  await deploy('confirm', {
    entry: 'feed-to-confirmed',
    timeoutSeconds: 60,
    around: answering('confirm', confirmFaults(world, twice(world))),
  });
  await read('confirm');
  await deploy('reconciler', {
    entry: 'reconcile-feed',
    timeoutSeconds: reconcileSeconds,
    async around(run, event) {
      const answer = await run();
      const letters = ((event.Records ?? []) as Json[]).filter(({ messageId }) =>
        answer.batchItemFailures.every((failure: Json) => failure.itemIdentifier !== messageId),
      );
      if (letters.length > 0) audit.answered(letters.map(({ attributes }) => Number(attributes.SentTimestamp)));
      return answer;
    },
  });
  if (withDeadLetters) await readQueue(name('reconciler'), deadLetters);

  async function readQueue(FunctionName: string, queue: string) {
    await call('lambda', 'CreateEventSourceMapping', {
      FunctionName,
      EventSourceArn: queueArn(queue),
      BatchSize: world.pick(1, 10),
      MaximumBatchingWindowInSeconds: world.pick(0, 1),
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  }

  const consumer = async (of: Consumer, options: Omit<FunctionOptions, 'name' | 'variables' | 'around'>) => {
    await deploy(of, { ...options, around: answering(of, consumerFaults(world, of, twice(world))) });
  };
  const { consumers } = plan;
  if (consumers.has('subscriber')) {
    await consumer('subscriber', { entry: 'subscriber', timeoutSeconds: 60 });
    await read('subscriber');
  }
  if (consumers.has('outside')) {
    // Its lease ends with its time: one that stands still loses it before it goes on.
    await consumer('outside', { entry: 'outside', timeoutSeconds: 20 });
    await read('outside');
  }
  if (consumers.has('projector')) {
    await consumer('projector', { entry: 'feed-to-projections', timeoutSeconds: 60 });
    await read('projector');
  }
  if (consumers.has('bus')) {
    // Its margin is 15 s: with little more, a batch takes several invocations.
    await consumer('bus', { entry: 'feed-to-bus', timeoutSeconds: [16, 60][world.pick(0, 1)]! });
    await read('bus');
  }
  if (consumers.has('rule')) {
    await consumer('rule', { entry: 'subscriber', timeoutSeconds: 30 });
    const Rule = name('rule');
    await call('events', 'PutRule', { Name: Rule, EventPattern: RULE_PATTERN });
    const toQueue = plan.ruleTo === 'queue';
    if (toQueue) {
      await call('sqs', 'CreateQueue', { QueueName: Rule, Attributes: { VisibilityTimeout: '30' } });
      await readQueue(Rule, Rule);
    }
    await call('events', 'PutTargets', {
      Rule,
      Targets: [{ Id: '1', Arn: toQueue ? queueArn(Rule) : functionArn(Rule) }],
    });
  }

  return {
    feed,
    mappings,
    async reconcile() {
      world.note('the reconciler runs');
      const Payload = JSON.stringify({ reason: 'schedule', most: world.pick(2, 2000) });
      await call('lambda', 'Invoke', { FunctionName: name('reconciler'), Payload });
    },
    async redrive(parked) {
      for (const { consumer: of, aggregate } of parked) {
        const mended = world.chance(0.6);
        if (mended) host.mend(of, aggregate);
        world.note(`a person redrives ${aggregate} of ${of}${mended ? ', its effect being mended' : ''}`);
        const Payload = JSON.stringify({ daybook: 'redrive', consumer: of, aggregates: [aggregate] });
        audit.redriving(of, feed, aggregate, true);
        await call('lambda', 'Invoke', { FunctionName: name(of), Payload }).finally(() =>
          audit.redriving(of, feed, aggregate, false),
        );
      }
    },
    async retire() {
      await call('pipes', 'DeletePipe', { Name: name('pipe') });
      for (const UUID of mappings.values()) {
        await world.sleep(world.pick(0, 4_000));
        await call('lambda', 'DeleteEventSourceMapping', { UUID });
      }
      if (consumers.has('rule')) await call('events', 'RemoveTargets', { Rule: name('rule'), Ids: ['1'] });
    },
    async runPipe(on) {
      // It may have been made again meanwhile, and runs then.
      await call('pipes', on ? 'StartPipe' : 'StopPipe', { Name: name('pipe') }).catch(() => undefined);
    },
    async recreatePipe(from) {
      await call('pipes', 'DeletePipe', { Name: name('pipe') });
      await world.sleep(world.pick(0, 2_000));
      await call('pipes', 'CreatePipe', pipe(from));
    },
  };
}

export const FIRST_FEED = 'feed-1';

/** The envelopes and bus events of an invocation that its answer does not give back. */
function takenOf(event: Json, answer: Json): readonly Pick<Envelope, 'feed' | 'aggregate' | 'to' | 'head'>[] {
  const failed: readonly string[] = (answer?.batchItemFailures ?? []).map((each: Json) => each.itemIdentifier);
  const ofBus = ({ detail }: Json) => ({
    feed: detail.feed,
    aggregate: detail.aggregateUuid,
    to: detail.version,
    head: 0,
  });
  if (event.Records === undefined) return event.detail === undefined ? [] : [ofBus(event)];
  const records: readonly Json[] = event.Records;
  if (records[0]?.kinesis === undefined) {
    return records.filter(({ messageId }) => !failed.includes(messageId)).map(({ body }) => ofBus(JSON.parse(body)));
  }
  // A stream comes again from the first failure on.
  const end = records.findIndex(({ kinesis }) => failed.includes(kinesis.sequenceNumber));
  return records
    .slice(0, end === -1 ? undefined : end)
    .map(({ kinesis }) => JSON.parse(Buffer.from(kinesis.data, 'base64').toString()));
}

type Around = NonNullable<FunctionOptions['around']>;
type Run = Parameters<Around>[0];

const crash = (world: World, name: string): never => {
  world.note(`${name} crashes`);
  throw new Error(`${name} ends`);
};

function enrichmentFaults(world: World): Around {
  return async (run, event) => {
    if (world.strikes('enrichCrashBefore', 0.2)) crash(world, 'enrichment');
    const many = event.length > 1;
    if (many && (world.strikes('wholeRetry', 0.3) || world.strikes('bisectedRetry', 0.3))) crash(world, 'enrichment');
    if (world.strikes('deadLetters', 0.3)) crash(world, 'enrichment');
    const answer = await run();
    if (world.strikes('enrichTimeout', 0.1)) {
      world.note('enrichment takes too long to answer');
      await world.sleep(61_000);
    }
    if (world.strikes('enrichCrashAfter', 0.2)) crash(world, 'enrichment');
    return answer;
  };
}

/** The same batch handled by two at once. */
const twice =
  (world: World) =>
  async (run: Run): Promise<Json> => {
    if (!world.strikes('duplicateFunction', 0.15)) return run();
    const [first, second] = await Promise.allSettled([run(), run()]);
    if (first.status === 'fulfilled') return first.value;
    if (second.status === 'fulfilled') return second.value;
    throw first.reason;
  };

function confirmFaults(world: World, around: (run: Run) => Promise<Json>): Around {
  return async (run) => {
    if (world.strikes('lostConfirm', 0.15)) {
      world.note('Confirm never gets a batch');
      return null;
    }
    if (world.strikes('lateConfirm', 0.3)) await world.sleep(world.pick(100, 8_000));
    if (world.strikes('repeatedConfirm', 0.25)) {
      world.later(world.pick(0, 10_000), () => run().catch(() => undefined));
    }
    return around(run);
  };
}

function consumerFaults(world: World, name: Consumer, around: (run: Run) => Promise<Json>): Around {
  return async (run) => {
    if (name !== 'rule' && world.strikes('lostBatch', 0.15)) {
      world.note(`${name} never gets a batch`);
      return null;
    }
    return around(run);
  };
}

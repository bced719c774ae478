import {
  type Caller,
  createCloud,
  type Json,
  type Service,
  ServiceError,
  type ServiceName,
} from '../../local/cloud.ts';
import { createDynamoDb, type DynamoDbService } from '../../local/dynamodb/dynamodb.ts';
import { createEventBridge } from '../../local/eventbridge/eventbridge.ts';
import { createKinesis, type Kinesis } from '../../local/kinesis/kinesis.ts';
import { createLambda, type Lambda } from '../../local/lambda/lambda.ts';
import { createPipes, type Pipes } from '../../local/pipes/pipes.ts';
import { retryRemainder } from '../../local/pipes/run-pipe.ts';
import { createSqs } from '../../local/sqs/sqs.ts';
import { BUS_SOURCE } from '../../src/feed/event-bus.ts';
import type { World } from './world.ts';

/** A record that landed on a feed. */
export interface Landed {
  readonly stream: string;
  readonly data: string;
  readonly partitionKey: string;
  readonly sender: string;
  /** Nobody has put it this time: it lands once more, or late. */
  readonly again: boolean;
}

/** Told of what happens in the cores, whoever did it. */
export interface Watcher {
  landed(record: Landed): void;
  /** A call of PutRecords, before anything of it lands. */
  put(sender: string, stream: string, data: readonly string[]): void;
  published(detailType: string, detail: string): void;
  called(sender: string, entries: readonly Json[]): void;
  wrote(table: string, item: Json, key: Json): void;
}

export interface Cores {
  readonly call: (service: ServiceName, operation: string, input: Json, principal?: string) => Promise<Json>;
  readonly cloud: ReturnType<typeof createCloud>;
  readonly db: DynamoDbService;
  readonly kinesis: Kinesis;
  readonly lambda: Lambda;
  readonly pipes: Pipes;
  /** The events table made anew of what these keep: another table, with another stream, of which nobody is told. */
  restoreEvents(keeps: (item: Json) => boolean): void;
  /** Is anything kept of a feed: a confirmed version, or a consumer's position? */
  keepsAnything(): boolean;
  /** Lands a record without anybody's call. */
  land(stream: string, sender: string, data: string, partitionKey: string): void;
  /** Puts an event on the bus without anybody's call. */
  tell(detailType: string, detail: string): void;
}

export const TABLES = {
  events: 'events',
  confirmed: 'confirmed',
  positions: 'positions',
  projections: 'projections',
  effects: 'effects',
} as const;

const KEYS: Readonly<Record<string, readonly [hash: string, range: string | undefined]>> = {
  [TABLES.events]: ['AggregateUuid', 'Version'],
  [TABLES.confirmed]: ['Cursor', undefined],
  [TABLES.positions]: ['Consumer', undefined],
  [TABLES.projections]: ['Build', 'Key'],
  [TABLES.effects]: ['Effect', undefined],
};

const BACKOFF = { firstMs: 100, maximumMs: 10_000 };
/** The cores tell of what is written: nobody has to look by the clock. */
const SELDOM_MS = 12 * 3_600_000;

/** The embedded runtime's cores in virtual time, with faults between them. */
export function createCores(world: World, watcher: Watcher): Cores {
  const { kernel, plan } = world;
  const cloud = createCloud(kernel);
  cloud.trace.subscribe(({ what, detail }) => {
    if (what.includes('problem')) world.note(`${what}: ${detail.error}`);
  });
  const db = createDynamoDb(cloud, { streamShards: plan.tableShards });
  const kinesis = createKinesis(cloud);
  const eventBridge = createEventBridge(cloud);
  const sqs = createSqs(cloud);
  const pace = { pollIntervalMs: plan.pollMs, fallbackPollMs: SELDOM_MS, retryBackoff: BACKOFF };
  const sources = { kinesis, dynamodb: db, sqs };
  const lambda = createLambda(cloud, { sources, ...pace });
  const pipes = createPipes(cloud, {
    sources,
    ...pace,
    mapFailures(batch) {
      if (!world.strikes('wrongRetry', 0.7)) return retryRemainder(batch);
      const some = batch.inputs.flatMap((_, i) => (world.chance(0.5) ? [i] : []));
      world.note(`the pipe's retry holds ${some.length} of ${batch.inputs.length} records`);
      return some;
    },
  });

  for (const [table, [hash, range]] of Object.entries(KEYS)) db.call('CreateTable', tableInput(table, hash, range));
  disturbTables(world, db);
  db.setJournal((entry) => {
    if (entry.kind !== 'commit') return;
    // Of one transaction the effect is seen before the position that tells of it.
    for (const { table, item, key } of [...entry.writes].reverse()) watcher.wrote(table, item, key);
  });

  const land: Land = (stream, sender, records, again = false) => {
    const answer = kinesis.handle('PutRecords', { StreamName: stream, Records: records }, ROOT) as Json;
    for (const [i, { Data, PartitionKey }] of records.entries()) {
      if (answer.Records[i].ErrorCode !== undefined) continue;
      watcher.landed({
        stream,
        sender,
        again,
        partitionKey: PartitionKey,
        data: Buffer.from(Data, 'base64').toString(),
      });
    }
    return answer.Records;
  };
  cloud.register(
    wrapped('kinesis', kinesis, { PutRecords: (input, caller) => disturbedPut(world, watcher, land, input, caller) }),
  );
  eventBridge.intercept(() => (world.strikes('busRefuses', 0.15) ? 'InternalFailure' : undefined));
  cloud.register(
    wrapped('events', eventBridge, {
      PutEvents: (input, caller) => {
        watcher.called(caller.principal, input.Entries);
        const answer = eventBridge.handle('PutEvents', input, caller) as Json;
        for (const [i, entry] of input.Entries.entries()) {
          if (answer.Entries[i].EventId !== undefined) watcher.published(entry.DetailType, entry.Detail);
        }
        if (world.strikes('lostBusAnswer', 0.15))
          throw new ServiceError('InternalException', 'the answer is lost', { status: 500 });
        return answer;
      },
    }),
  );
  const late = (service: Service, operation: string) =>
    wrapped(service.name, service, {
      async [operation](input, caller) {
        if (!caller.principal.startsWith('service:events')) return service.handle(operation, input, caller);
        const twice = world.strikes('busShuffles', 0.3);
        if (twice) world.later(world.pick(0, 8_000), () => service.handle(operation, input, caller));
        await world.sleep(
          plan.faults.has('busShuffles') && !world.faultsAreOver() ? world.pick(0, 4_000) : world.pick(1, 50),
        );
        return service.handle(operation, input, caller);
      },
    });
  cloud.register(late(sqs, 'SendMessage'));
  cloud.register(late(lambda, 'Invoke'));

  return {
    call: (service, operation, input, principal = 'root') => cloud.call({ principal }, service, operation, input),
    cloud,
    db,
    kinesis,
    lambda,
    pipes,
    restoreEvents(keeps) {
      const { Items } = db.call('Scan', { TableName: TABLES.events, ConsistentRead: true });
      db.call('DeleteTable', { TableName: TABLES.events });
      const { StreamSpecification, ...input } = tableInput(TABLES.events, ...KEYS[TABLES.events]!);
      db.call('CreateTable', input);
      for (const Item of Items.filter(keeps)) db.call('PutItem', { TableName: TABLES.events, Item });
      db.call('UpdateTable', { TableName: TABLES.events, StreamSpecification });
    },
    keepsAnything() {
      const count = (TableName: string): number => db.call('Scan', { TableName, ConsistentRead: true }).Count;
      return count(TABLES.confirmed) + count(TABLES.positions) > 0;
    },
    land(stream, sender, data, PartitionKey) {
      land(stream, sender, [{ Data: Buffer.from(data).toString('base64'), PartitionKey }]);
    },
    tell(DetailType, Detail) {
      eventBridge.handle('PutEvents', { Entries: [{ Source: BUS_SOURCE, DetailType, Detail }] }, ROOT);
    },
  };
}

const ROOT: Caller = { principal: 'root' };

type Handle = (input: Json, caller: Caller) => Json;

/** The service with some of its operations done otherwise. */
function wrapped(name: ServiceName, service: Service, operations: Readonly<Record<string, Handle>>): Service {
  return {
    name,
    handle: (operation, input, caller) =>
      operations[operation]?.(input, caller) ?? service.handle(operation, input, caller),
  };
}

type Land = (stream: string, sender: string, records: readonly Json[], again?: boolean) => Json[];

/** PutRecords as AWS promises it: any part of it, in any order, and what it says need not be what has happened. */
function disturbedPut(world: World, watcher: Watcher, land: Land, input: Json, { principal: sender }: Caller): Json {
  const stream: string = input.StreamName ?? input.StreamARN.split('/').pop();
  const given: Json[] = input.Records;
  watcher.put(
    sender,
    stream,
    given.map(({ Data }) => Buffer.from(Data, 'base64').toString()),
  );
  const answers: Json[] = [];
  const order = given.map((_, i) => i);
  if (given.length > 1 && world.strikes('reorderedPut', 0.9)) order.reverse();
  const now: number[] = [];
  for (const i of order) {
    const again = (fault: string, ms: number) =>
      world.later(ms, () => {
        world.note(`${fault}: a record of ${sender} lands`);
        land(stream, sender, [given[i]], true);
      });
    if (world.strikes('latePut', 0.2)) again('latePut', world.pick(100, 8_000));
    else if (!world.strikes('partialPut', 0.3) && !refusesForRetry(world, sender)) {
      now.push(i);
      if (world.strikes('repeatedPut', 0.2)) again('repeatedPut', world.pick(0, 3_000));
      continue;
    }
    answers[i] = { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal Service Failure' };
  }
  const landed =
    now.length === 0
      ? []
      : land(
          stream,
          sender,
          now.map((i) => given[i]),
        );
  for (const [place, i] of now.entries()) answers[i] = landed[place];
  if (world.strikes('lostPutAnswer', 0.2))
    throw new ServiceError('InternalFailure', 'the answer is lost', { status: 500 });
  const failed = answers.filter(({ ErrorCode }) => ErrorCode !== undefined).length;
  if (failed > 0) world.note(`PutRecords of ${sender} refuses ${failed} of ${given.length}`);
  return { FailedRecordCount: failed, Records: answers, EncryptionType: 'NONE' };
}

/** A pipe that maps the retry wrongly needs something to retry. */
const refusesForRetry = (world: World, sender: string) =>
  sender === 'pipe' && world.plan.faults.has('wrongRetry') && !world.faultsAreOver() && world.chance(0.3);

function disturbTables(world: World, db: DynamoDbService): void {
  const { faults } = world.plan;
  const past = (table: string) => {
    if (table === TABLES.effects || !world.strikes('staleRead', 0.5)) return 0;
    return world.pick(1, 3_000);
  };
  db.setFaults({
    ...(faults.has('staleRead') && { staleness: past }),
    ...(faults.has('tornRead') && {
      transactionSpread: (items: number) =>
        Array.from({ length: items }, () => (world.strikes('tornRead', 0.7) ? world.pick(1, 700) : 0)),
    }),
    ...(faults.has('throttledCursor') && {
      leaves: (operation: string) => operation === 'BatchGetItem' && world.strikes('throttledCursor', 0.2),
    }),
    ...(faults.has('splitCollection') && { splitsCollections: () => world.strikes('splitCollection', 1) }),
    streamDelays: (_: string, changes: number) =>
      Array.from({ length: changes }, () =>
        world.strikes('shuffledRecords', 0.6) ? world.pick(0, 1_200) : world.pick(0, 20),
      ),
  });
}

interface Index {
  readonly name: string;
  readonly hash: string;
  readonly range: string;
  readonly projection: 'KEYS_ONLY' | 'ALL';
}

/** The indexes of the tables, as the construct makes them. */
const INDEXES: Readonly<Record<string, Index>> = {
  [TABLES.events]: {
    name: 'AggregatesByType',
    hash: 'AggregateShard',
    range: 'AggregateUuid',
    projection: 'KEYS_ONLY',
  },
  [TABLES.positions]: { name: 'ParkedAggregates', hash: 'ParkedIn', range: 'Consumer', projection: 'ALL' },
};

function tableInput(TableName: string, hash: string, range: string | undefined): Json {
  const index = INDEXES[TableName];
  const names = new Set([hash, range, index?.hash].filter((name) => name !== undefined));
  const schema = (hashName: string, rangeName: string | undefined) => [
    { AttributeName: hashName, KeyType: 'HASH' },
    ...(rangeName === undefined ? [] : [{ AttributeName: rangeName, KeyType: 'RANGE' }]),
  ];
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: schema(hash, range),
    AttributeDefinitions: [...names].map((AttributeName) => ({
      AttributeName,
      AttributeType: AttributeName === 'Version' ? 'N' : 'S',
    })),
    ...(TableName === TABLES.events && {
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
    ...(index !== undefined && {
      GlobalSecondaryIndexes: [
        {
          IndexName: index.name,
          KeySchema: schema(index.hash, index.range),
          Projection: { ProjectionType: index.projection },
        },
      ],
    }),
  };
}

export const RULE_PATTERN = JSON.stringify({ source: [BUS_SOURCE] });

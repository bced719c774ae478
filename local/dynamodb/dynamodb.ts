import { type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import { type DynamoDbFaults, Engine, type JournalEntry } from './engine.ts';
import { batchGetItem, batchWriteItem } from './operation/batch.ts';
import { deleteItem, getItem, putItem, updateItem } from './operation/items.ts';
import { query } from './operation/query.ts';
import { scan } from './operation/scan.ts';
import {
  deleteResourcePolicy,
  describeContinuousBackups,
  describeEndpoints,
  describeLimits,
  describeTimeToLive,
  getResourcePolicy,
  listTagsOfResource,
  putResourcePolicy,
  tagResource,
  untagResource,
  updateContinuousBackups,
  updateTimeToLive,
} from './operation/table-settings.ts';
import { createTable, deleteTable, describe, listTables, updateTable } from './operation/tables.ts';
import { transactGetItems, transactWriteItems } from './operation/transact.ts';
import { describeStream, getRecords, getShardIterator, listStreams } from './stream/operations.ts';
import type { StreamListener } from './stream/table-stream.ts';
import { ITEM_INPUTS } from './wire/item-shapes.ts';
import { checkInput, type Member } from './wire/shape.ts';
import { STREAM_INPUTS, TABLE_INPUTS } from './wire/table-shapes.ts';

export type { DynamoDbFaults, JournalEntry } from './engine.ts';
export type { StreamRecord } from './stream/record.ts';
export type { StreamListener } from './stream/table-stream.ts';

type Operation = (engine: Engine, input: Json) => Json;

const ITEM_OPERATIONS: Readonly<Record<keyof typeof ITEM_INPUTS, Operation>> = {
  PutItem: putItem,
  GetItem: getItem,
  UpdateItem: updateItem,
  DeleteItem: deleteItem,
  Query: query,
  Scan: scan,
  BatchGetItem: batchGetItem,
  BatchWriteItem: batchWriteItem,
  TransactWriteItems: transactWriteItems,
  TransactGetItems: transactGetItems,
};

const TABLE_OPERATIONS: Readonly<Record<keyof typeof TABLE_INPUTS, Operation>> = {
  CreateTable: createTable,
  UpdateTable: updateTable,
  DescribeTable: describe,
  DeleteTable: deleteTable,
  ListTables: listTables,
  UpdateTimeToLive: updateTimeToLive,
  DescribeTimeToLive: describeTimeToLive,
  UpdateContinuousBackups: updateContinuousBackups,
  DescribeContinuousBackups: describeContinuousBackups,
  TagResource: tagResource,
  UntagResource: untagResource,
  ListTagsOfResource: listTagsOfResource,
  DescribeEndpoints: describeEndpoints,
  DescribeLimits: describeLimits,
  PutResourcePolicy: putResourcePolicy,
  GetResourcePolicy: getResourcePolicy,
  DeleteResourcePolicy: deleteResourcePolicy,
};

const STREAM_OPERATIONS: Readonly<Record<keyof typeof STREAM_INPUTS, Operation>> = {
  ListStreams: listStreams,
  DescribeStream: describeStream,
  GetShardIterator: getShardIterator,
  GetRecords: getRecords,
};

interface Entry {
  readonly run: Operation;
  readonly members: Readonly<Record<string, Member>>;
}

function toEntries(
  operations: Readonly<Record<string, Operation>>,
  inputs: Readonly<Record<string, Readonly<Record<string, Member>>>>,
): readonly (readonly [string, Entry])[] {
  return Object.entries(operations).map(([name, run]) => [name, { run, members: inputs[name]! }]);
}

const TABLES_AND_ITEMS: ReadonlyMap<string, Entry> = new Map([
  ...toEntries(ITEM_OPERATIONS, ITEM_INPUTS),
  ...toEntries(TABLE_OPERATIONS, TABLE_INPUTS),
]);
const STREAMS: ReadonlyMap<string, Entry> = new Map(toEntries(STREAM_OPERATIONS, STREAM_INPUTS));

export interface DynamoDbOptions {
  /** How many shards a new table stream begins with. Default 1; in AWS it is about one per partition. */
  readonly streamShards?: number;
  /** Where everything is kept. Default: nowhere. */
  readonly journal?: Journal;
}

/** The embedded DynamoDB: two services in the cloud, and what the runtime needs of them besides. */
export interface DynamoDbService {
  /** Does an operation at once; throws ServiceError. What it returns is shared with the tables: read it, never change it. */
  call(operation: string, input: Json): Json;
  /** The ARN of the stream that the table writes to now. */
  streamArnOf(tableName: string): string | undefined;
  /** Calls back whenever records appear in a stream, so that nobody has to poll. Returns how to stop. */
  onRecords(streamArn: string, listener: StreamListener): () => void;
  /** Splits a shard (the first open one, unless named) in two, as AWS does when a partition grows. */
  splitShard(streamArn: string, shardId?: string): void;
  /** The resource policy's JSON text; undefined when the table has none, or there is no such table. */
  resourcePolicyOf(tableNameOrArn: string): string | undefined;
  /** Brings faults in, or, with `{}`, ends them. */
  setFaults(faults: DynamoDbFaults): void;
  /** Is told of every commit before it is made: when it throws, the caller gets that and nothing is written. */
  setJournal(onCommit: ((entry: JournalEntry) => void) | undefined): void;
  /** Applies a journal's entries, in their order, to a service without tables. */
  restore(entries: Iterable<JournalEntry>): void;
  /** Entries that make everything as it is now, for `restore`. */
  snapshot(): Iterable<JournalEntry>;
}

function run(entries: ReadonlyMap<string, Entry>, engine: Engine, operation: string, input: Json): Json {
  const entry = entries.get(operation);
  if (entry === undefined) {
    throw new ServiceError('UnknownOperationException', `${operation} is not supported by the embedded DynamoDB`);
  }
  engine.answerDelay = 0;
  engine.faults.before?.(operation, input);
  checkInput(input, entry.members);
  const output = entry.run(engine, input);
  engine.faults.after?.(operation, input);
  return output;
}

/**
 * Makes the embedded DynamoDB and registers it as `dynamodb` and `dynamodbstreams`.
 *
 * @example
 * const dynamoDb = createDynamoDb(cloud);
 * dynamoDb.call('PutItem', { TableName: 'events', Item: { id: { S: 'a' } } });
 */
export function createDynamoDb(cloud: Cloud, options: DynamoDbOptions = {}): DynamoDbService {
  const engine = new Engine(cloud, options.streamShards ?? 1);
  const service = (name: Service['name'], entries: ReadonlyMap<string, Entry>): Service => ({
    name,
    handle(operation, input) {
      const output = run(entries, engine, operation, input);
      if (engine.answerDelay === 0) return output;
      return cloud.kernel.scheduler.sleep(engine.answerDelay).then(() => output);
    },
  });
  engine.onCommit = options.journal?.join<JournalEntry>('dynamodb', {
    restore: (entry) => engine.restore([entry]),
    snapshot: () => engine.snapshot(),
  });
  cloud.register(service('dynamodb', TABLES_AND_ITEMS));
  cloud.register(service('dynamodbstreams', STREAMS));
  return {
    call: (operation, input) => run(STREAMS.has(operation) ? STREAMS : TABLES_AND_ITEMS, engine, operation, input),
    streamArnOf(tableName) {
      const table = engine.tables.get(tableName);
      return table === undefined ? undefined : engine.streamOf(table)?.arn;
    },
    onRecords: (streamArn, listener) => engine.stream(streamArn).listen(listener),
    splitShard(streamArn, shardId) {
      const open = engine.stream(streamArn).shards(engine.now());
      const id = shardId ?? open.find(({ closedAt }) => closedAt === undefined)?.id;
      if (id === undefined) throw new Error(`no shard of ${streamArn} is open`);
      engine.splitShard(streamArn, id);
    },
    resourcePolicyOf(tableNameOrArn) {
      const name = tableNameOrArn.slice(
        tableNameOrArn.indexOf(':table/') < 0 ? 0 : tableNameOrArn.indexOf(':table/') + 7,
      );
      return engine.tables.get(name.split('/')[0]!)?.definition.policy?.text;
    },
    setFaults(faults) {
      engine.faults = faults;
    },
    setJournal(onCommit) {
      engine.onCommit = onCommit;
    },
    restore: (entries) => engine.restore(entries),
    snapshot: () => engine.snapshot(),
  };
}

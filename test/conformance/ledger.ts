import { setTimeout as sleep } from 'node:timers/promises';
import * as athena from '@aws-sdk/client-athena';
import * as tables from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as firehose from '@aws-sdk/client-firehose';
import * as kinesis from '@aws-sdk/client-kinesis';
import * as lambda from '@aws-sdk/client-lambda';
import * as pipes from '@aws-sdk/client-pipes';
import * as s3 from '@aws-sdk/client-s3';
import * as states from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import type { Json } from '../../local/cloud.ts';

type Tags = Readonly<Record<string, string>>;

/** A thing that a command makes: how it is tagged, known, and taken away. */
interface Kind {
  readonly noun: string;
  readonly made: string;
  readonly removed: string;
  /** The input with the tags; where a command takes none, they are set by `tagAfterwards`. */
  tag(input: Json, tags: Tags): Json;
  tagAfterwards?(client: Json, id: string, tags: Tags): Promise<unknown>;
  /** Until what was asked for is there, or never will be; without it, it is as soon as there is an answer. */
  settle?(client: Json, output: Json): Promise<unknown>;
  /** Of a creation's input and output, and of a removal's input. */
  id(input: Json, output?: Json): string | undefined;
  remove(client: Json, id: string): Promise<unknown>;
}

const list = (name: string, value: string, member: string) => (input: Json, tags: Tags) => ({
  ...input,
  [member]: Object.entries(tags).map(([key, text]) => ({ [name]: key, [value]: text })),
});
const upper = list('Key', 'Value', 'Tags');
const map = (member: string) => (input: Json, tags: Tags) => ({ ...input, [member]: { ...tags } });

const KINDS: readonly Kind[] = [
  {
    noun: 'table',
    made: 'CreateTable',
    removed: 'DeleteTable',
    tag: upper,
    id: ({ TableName }) => TableName,
    remove: (client, TableName) => client.send(new tables.DeleteTableCommand({ TableName })),
  },
  {
    noun: 'queue',
    made: 'CreateQueue',
    removed: 'DeleteQueue',
    tag: map('tags'),
    id: (input, output) => output?.QueueUrl ?? input.QueueUrl,
    remove: (client, QueueUrl) => client.send(new sqs.DeleteQueueCommand({ QueueUrl })),
  },
  {
    noun: 'stream',
    made: 'CreateStream',
    removed: 'DeleteStream',
    tag: map('Tags'),
    id: ({ StreamName }) => StreamName,
    remove: (client, StreamName) =>
      client.send(new kinesis.DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true })),
  },
  {
    noun: 'bucket',
    made: 'CreateBucket',
    removed: 'DeleteBucket',
    tag: (input) => input,
    tagAfterwards: (client, Bucket, tags) => {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      return client.send(new s3.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    },
    id: ({ Bucket }) => Bucket,
    async remove(client, Bucket) {
      const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket }));
      for (const { Key, UploadId } of Uploads)
        await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      for (;;) {
        const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket }));
        if (Contents.length === 0) break;
        const Objects = Contents.map(({ Key }: Json) => ({ Key }));
        await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      }
      await client.send(new s3.DeleteBucketCommand({ Bucket }));
    },
  },
  {
    noun: 'function',
    made: 'CreateFunction',
    removed: 'DeleteFunction',
    tag: map('Tags'),
    id: ({ FunctionName }) => FunctionName,
    remove: (client, FunctionName) => client.send(new lambda.DeleteFunctionCommand({ FunctionName })),
  },
  {
    noun: 'event source mapping',
    made: 'CreateEventSourceMapping',
    removed: 'DeleteEventSourceMapping',
    tag: map('Tags'),
    id: (input, output) => output?.UUID ?? input.UUID,
    remove: (client, UUID) => client.send(new lambda.DeleteEventSourceMappingCommand({ UUID })),
  },
  {
    noun: 'delivery stream',
    made: 'CreateDeliveryStream',
    removed: 'DeleteDeliveryStream',
    tag: upper,
    id: ({ DeliveryStreamName }) => DeliveryStreamName,
    remove: (client, DeliveryStreamName) =>
      client.send(new firehose.DeleteDeliveryStreamCommand({ DeliveryStreamName })),
  },
  {
    noun: 'pipe',
    made: 'CreatePipe',
    removed: 'DeletePipe',
    tag: map('Tags'),
    id: ({ Name }) => Name,
    remove: (client, Name) => client.send(new pipes.DeletePipeCommand({ Name })),
  },
  {
    noun: 'state machine',
    made: 'CreateStateMachine',
    removed: 'DeleteStateMachine',
    tag: list('key', 'value', 'tags'),
    id: (input, output) => output?.stateMachineArn ?? input.stateMachineArn,
    remove: (client, stateMachineArn) => client.send(new states.DeleteStateMachineCommand({ stateMachineArn })),
  },
  {
    noun: 'event bus',
    made: 'CreateEventBus',
    removed: 'DeleteEventBus',
    tag: upper,
    id: ({ Name }) => Name,
    remove: (client, Name) => client.send(new events.DeleteEventBusCommand({ Name })),
  },
  {
    noun: 'rule',
    made: 'PutRule',
    removed: 'DeleteRule',
    tag: upper,
    id: ({ Name, EventBusName = 'default' }) => `${EventBusName}/${Name}`,
    async remove(client, id) {
      const [EventBusName, Name] = id.split('/');
      const { Targets = [] } = await client.send(new events.ListTargetsByRuleCommand({ Rule: Name, EventBusName }));
      const Ids = Targets.map(({ Id }: Json) => Id);
      if (Ids.length > 0) await client.send(new events.RemoveTargetsCommand({ Rule: Name, EventBusName, Ids }));
      await client.send(new events.DeleteRuleCommand({ Name, EventBusName }));
    },
  },
  {
    noun: 'work group',
    made: 'CreateWorkGroup',
    removed: 'DeleteWorkGroup',
    tag: upper,
    id: (input) => input.Name ?? input.WorkGroup,
    remove: (client, WorkGroup) =>
      client.send(new athena.DeleteWorkGroupCommand({ WorkGroup, RecursiveDeleteOption: true })),
  },
];

/** Databases come and go by queries, which bear no tags; a database is named after its work group, and goes before it. */
const DATABASE = /^\s*(CREATE|DROP) DATABASE(?: IF (?:NOT )?EXISTS)? (\w+)/;
const database: Kind = {
  noun: 'database',
  made: '',
  removed: '',
  tag: (input) => input,
  id: ({ QueryString, WorkGroup }) => `${WorkGroup}/${DATABASE.exec(QueryString)?.[2]}`,
  settle: (client, { QueryExecutionId }) => endOf(client, QueryExecutionId),
  async remove(client, id) {
    const [WorkGroup, name] = id.split('/');
    const QueryString = `DROP DATABASE IF EXISTS ${name} CASCADE`;
    const start = new athena.StartQueryExecutionCommand({ QueryString, WorkGroup });
    const { QueryExecutionId } = await client.send(start);
    const { State, StateChangeReason } = await endOf(client, QueryExecutionId);
    if (State !== 'SUCCEEDED') throw new Error(StateChangeReason);
  },
};

async function endOf(client: Json, QueryExecutionId: string): Promise<Json> {
  for (;;) {
    const { QueryExecution } = await client.send(new athena.GetQueryExecutionCommand({ QueryExecutionId }));
    if (!['QUEUED', 'RUNNING'].includes(QueryExecution.Status.State)) return QueryExecution.Status;
    await sleep(200);
  }
}

/** Makes nothing that would be left when what it belongs to goes. */
const INNER = new Set([
  'CreateMultipartUpload',
  'CreateAlias',
  'CreatePreparedStatement',
  'CreateNamedQuery',
  'RegisterStreamConsumer',
]);
const GONE = /NotFound|NonExistent|DoesNotExist|NoSuchBucket|is not found|was not found/;
const BUSY = /InUse|Conflict|OperationAborted|BucketNotEmpty|ConcurrentModification|LimitExceeded|Throttl|TooMany/;

interface Entry {
  readonly kind: Kind;
  readonly id: string;
  readonly client: Json;
}

/** Keeps what clients make, tags it, and takes away what they did not take away themselves. */
export class Ledger {
  readonly tags: Tags;
  #entries: Entry[] = [];
  /** Creations that are not answered yet. */
  readonly #underWay = new Set<Promise<Json>>();
  #closed = false;

  constructor(tags: Tags) {
    this.tags = tags;
  }

  /** What is there now, as people name it. */
  get open(): readonly string[] {
    return this.#entries.map(({ kind, id }) => `the ${kind.noun} ${id}`);
  }

  readonly watch = (client: Json): void => {
    client.middlewareStack.add(
      (next: Json, { commandName }: Json) =>
        async (call: Json) =>
          await this.#see(client, String(commandName).replace(/Command$/, ''), call, next),
      { step: 'initialize', name: 'daybookLedger', priority: 'high' },
    );
  };

  readonly note = (noun: string, id: string, remove: () => Promise<unknown>): (() => void) => {
    const kind = { ...database, noun, remove };
    this.#entries.push({ kind, id, client: undefined });
    return () => this.#strike(kind, id);
  };

  async #see(client: Json, operation: string, call: Json, next: Json): Promise<Json> {
    const { input } = call;
    const query = operation === 'StartQueryExecution' ? DATABASE.exec(input.QueryString ?? '') : null;
    const kind = query?.[1] === 'CREATE' ? database : KINDS.find(({ made }) => made === operation);
    const gone = query?.[1] === 'DROP' ? database : KINDS.find(({ removed }) => removed === operation);
    if (kind === undefined && /^(Create|Register|PutRule|Import|Restore)/.test(operation) && !INNER.has(operation))
      throw new Error(`${operation} makes something that would be left: test/conformance/ledger.ts does not know it`);
    if (kind === undefined) {
      const answer = await next(call);
      if (gone !== undefined) this.#strike(gone, gone.id(input));
      return answer;
    }
    if (this.#closed) throw new Error(`${operation} came after the end`);
    const making = this.#make(client, kind, call, next);
    this.#underWay.add(making);
    return await making.finally(() => this.#underWay.delete(making));
  }

  async #make(client: Json, kind: Kind, call: Json, next: Json): Promise<Json> {
    const { input } = call;
    const answer = await next({ ...call, input: kind.tag(input, this.tags) });
    const id = kind.id(input, answer.output);
    if (id !== undefined) {
      this.#strike(kind, id);
      this.#entries.push({ kind, id, client });
      await kind.tagAfterwards?.(client, id, this.tags);
      await kind.settle?.(client, answer.output);
    }
    return answer;
  }

  #strike(kind: Kind, id: string | undefined): void {
    this.#entries = this.#entries.filter((entry) => entry.kind !== kind || entry.id !== id);
  }

  /** Refuses to make more, and takes away what is there, the last first; tells what could not be taken away. */
  async close(say: (line: string) => void, patienceMs = 120_000): Promise<readonly string[]> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay); // what is asked for already may be made yet
    const left: string[] = [];
    for (const entry of [...this.#entries].reverse()) {
      const what = `the ${entry.kind.noun} ${entry.id}`;
      try {
        await removePatiently(entry, Date.now() + patienceMs);
        say(`removed ${what}`);
      } catch (error) {
        left.push(what);
        say(`could not remove ${what}: ${(error as Error).message}. Remove it by hand.`);
      }
      this.#strike(entry.kind, entry.id);
    }
    return left;
  }
}

async function removePatiently({ kind, id, client }: Entry, end: number): Promise<void> {
  for (;;) {
    try {
      await kind.remove(client, id);
      return;
    } catch (error) {
      const { name, message } = error as Error;
      if (GONE.test(`${name} ${message}`)) return;
      if (!BUSY.test(name) || Date.now() > end) throw error;
      await sleep(1000);
    }
  }
}

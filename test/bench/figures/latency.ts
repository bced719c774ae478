import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Account } from '../../../examples/bank/account.ts';
import type { Json } from '../../../local/cloud.ts';
import { type LocalRuntime, startLocal, synthesize } from '../../../local/index.ts';
import { createEventStore, dynamoEventTable } from '../../../src/index.ts';
import { defineBench } from '../figure.ts';

const EVENTS = 400;
const PER_SECOND = 20;
/** Many, so that no append of one overtakes another. */
const ACCOUNTS = 200;
/** What has not arrived by then is lost. */
const PATIENCE_MS = 30_000;

/** How far an event has come, in milliseconds since the epoch: the first call, or log line, that carries it. */
interface Way {
  begun: number;
  written?: number;
  fed?: number;
  published?: number;
  queued?: number;
  handled?: number;
  handledDirectly?: number;
}

/** The parts of the way to a queue's subscriber, each with what ends it. */
const PARTS = {
  append: 'until it is written, over HTTP',
  'to-feed': 'from there until the pipe puts its envelope on the feed',
  'to-bus': 'from there until the publisher puts it on the bus',
  'to-queue': 'from there until the rule sends it to the queue',
  'to-handler': 'from there to the first line of the handler',
} as const;

/**
 * The bank's own template, all of it, in the embedded runtime without a batching window: 5 rounds of 400 events after one to
 * warm up, each from before its append to the first line of a subscriber's handler.
 */
export default defineBench({
  name: 'latency',
  rounds: 5,
  warmUp: 1,
  figures: [
    {
      name: 'latency-p50',
      what: 'append → subscriber’s handler through rule and queue, embedded, window 0, 20 events a second, median',
      formula: { kind: 'reading', of: 'bank', by: 'p50', unit: 'ms' },
      budget: { atMost: 50 },
    },
    {
      name: 'latency-p99',
      what: 'the same, 99th percentile',
      formula: { kind: 'reading', of: 'bank', by: 'p99', unit: 'ms' },
      budget: { atMost: 250 },
    },
    {
      name: 'latency-direct-p50',
      what: 'append → subscriber’s handler as the rule’s own target, median',
      formula: { kind: 'reading', of: 'bank', by: 'direct-p50', unit: 'ms' },
      budget: { atMost: 50 },
    },
    {
      name: 'latency-direct-p99',
      what: 'the same, 99th percentile',
      formula: { kind: 'reading', of: 'bank', by: 'direct-p99', unit: 'ms' },
      budget: { atMost: 250 },
    },
    ...Object.entries(PARTS).map(([part, what]) => ({
      name: `latency-${part}`,
      what: `of the way through the queue, ${what}, median`,
      formula: { kind: 'reading', of: 'bank', by: part, unit: 'ms' } as const,
    })),
  ],
  async prepare() {
    const assembly = await synthesize(join(process.cwd(), 'test/bench/latency/stack.ts'));
    const ways = new Map<string, Way>();
    const reach = (key: string, place: keyof Way, at: number) => {
      const way = ways.get(key);
      if (way !== undefined) way[place] ??= at;
    };
    const runtime = await startLocal({
      assembly: assembly.directory,
      log(line) {
        const said = /^\S*(Queued|Direct)\S*: (\{"at":.*)$/.exec(line);
        if (said === null) return;
        const { at, keys } = JSON.parse(said[2]!) as { at: number; keys: readonly string[] };
        for (const key of keys) reach(key, said[1] === 'Direct' ? 'handledDirectly' : 'handled', at);
      },
    });
    watch(runtime, reach);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new DynamoDBClient({ endpoint: runtime.endpoint, region: runtime.account.region, credentials });
    const tableName = runtime.stacks.Bank!.outputs.DaybookEventsTableName!;
    const store = createEventStore({ table: dynamoEventTable({ client, tableName }) });
    const versions = new Map<string, number>();
    const deposit = async (aggregateUuid: string) => {
      const expectedVersion = versions.get(aggregateUuid) ?? 0;
      versions.set(aggregateUuid, expectedVersion + 1);
      const key = `${aggregateUuid}:${expectedVersion + 1}`;
      ways.set(key, { begun: now() });
      await store.append({ aggregate: Account, aggregateUuid, expectedVersion }, [
        { type: 'MoneyDeposited', data: { amount: 1 } },
      ]);
      reach(key, 'written', now());
    };
    let taken: Record<string, number>;
    return {
      sides: {
        bank: {
          count: 1,
          async run() {
            ways.clear();
            const started = now();
            const deposits: Promise<void>[] = [];
            for (let i = 0; i < EVENTS; i++) {
              await sleep(Math.max(0, started + (i * 1000) / PER_SECOND - now()));
              deposits.push(deposit(`account-${i % ACCOUNTS}`));
            }
            await Promise.all(deposits);
            const deadline = now() + PATIENCE_MS;
            while (!arrived(ways) && now() < deadline) await sleep(20);
            assert.ok(arrived(ways), 'not every event reached both subscribers');
            taken = partsOf([...ways.values()] as Required<Way>[]);
          },
          readings: () => taken,
        },
      },
      async close() {
        client.destroy();
        await runtime.stop();
        assembly.dispose();
      },
    };
  },
});

const now = () => performance.timeOrigin + performance.now();

const arrived = (ways: ReadonlyMap<string, Way>) =>
  [...ways.values()].every((way) => way.handled !== undefined && way.handledDirectly !== undefined);

/** Sees what the runtime's parts say to each other. */
function watch(runtime: LocalRuntime, reach: (key: string, place: keyof Way, at: number) => void): void {
  const { cloud } = runtime;
  const queue = nameOf(runtime.stacks.Bank!.byPath['Bank/Queued/Queue']);
  const call = cloud.call.bind(cloud);
  cloud.call = (caller, service, operation, input) => {
    const at = now();
    if (operation === 'PutRecords') {
      for (const { Data } of input.Records) {
        const envelope = parse(Buffer.from(Data, 'base64').toString());
        for (const { version } of envelope.events ?? []) reach(`${envelope.aggregate}:${version}`, 'fed', at);
      }
    } else if (operation === 'PutEvents') {
      for (const { Detail } of input.Entries) reach(keyOf(parse(Detail)), 'published', at);
    } else if (operation === 'SendMessage' && nameOf(input.QueueUrl) === queue) {
      reach(keyOf(parse(input.MessageBody).detail), 'queued', at);
    }
    return call(caller, service, operation, input);
  };
}

/** What a queue's URL ends with. */
const nameOf = (url: string | undefined) => url?.split('/').pop();
const parse = (text: string) => JSON.parse(text) as Json;
const keyOf = (detail: Json) => `${detail?.aggregateUuid}:${detail?.version}`;

function partsOf(ways: readonly Required<Way>[]): Record<string, number> {
  const at = (share: number, of: (way: Required<Way>) => number) => {
    const sorted = ways.map(of).sort((a, b) => a - b);
    return sorted[Math.ceil(share * sorted.length) - 1]!;
  };
  return {
    p50: at(0.5, (way) => way.handled - way.begun),
    p99: at(0.99, (way) => way.handled - way.begun),
    'direct-p50': at(0.5, (way) => way.handledDirectly - way.begun),
    'direct-p99': at(0.99, (way) => way.handledDirectly - way.begun),
    append: at(0.5, (way) => way.written - way.begun),
    'to-feed': at(0.5, (way) => way.fed - way.written),
    'to-bus': at(0.5, (way) => way.published - way.fed),
    'to-queue': at(0.5, (way) => way.queued - way.published),
    'to-handler': at(0.5, (way) => way.handled - way.queued),
  };
}

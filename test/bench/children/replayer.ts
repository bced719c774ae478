import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { createCloud } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { dynamoBuilds } from '../../../src/aws/dynamo-builds.ts';
import { dynamoEventTable } from '../../../src/aws/dynamo-event-table.ts';
import { dynamoProjectionTable } from '../../../src/aws/dynamo-projection-table.ts';
import { leanClient } from '../../../src/aws/lean-client.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import type { ArchiveFile } from '../../../src/replay/archive-files.ts';
import { type CatchUpProgress, catchUp, catchUpStart, sumOfParts } from '../../../src/replay/catch-up.ts';
import { foldSlice } from '../../../src/replay/fold.ts';
import { type Plan, plan, type Slice } from '../../../src/replay/plan.ts';
import { type VerifyProgress, verify, verifyPart, verifyStart } from '../../../src/replay/verify.ts';
import { createProjectionsTable } from '../../local/create-projections-table.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';
import { folderArchive } from '../../src/replay/folder-archive.ts';
import { LEDGERS } from '../ledgers.ts';
import { answersOf, askedBy, GENERATION } from '../replay-history.ts';
import { stubbed } from '../stub-transport.ts';

/** A step of a replay, or a worker's share of one. */
export type Ask =
  | { readonly step: 'plan' }
  | { readonly step: 'fold'; readonly plan: Plan; readonly slices: readonly Slice[] }
  | { readonly step: 'join' | 'promote' | 'oneSlice'; readonly plan: Plan }
  | { readonly step: 'catchUp'; readonly plan: Plan; readonly parts: readonly string[] }
  | {
      readonly step: 'verifyParts';
      readonly plan: Plan;
      readonly parts: readonly string[];
      readonly caughtUp: readonly CatchUpProgress[];
    }
  | {
      readonly step: 'verify';
      readonly plan: Plan;
      readonly caughtUp: readonly CatchUpProgress[];
      readonly verified: readonly VerifyProgress[];
    };

export interface Told {
  readonly answer: unknown;
  /** Nanoseconds of CPU, all threads. */
  readonly cpu: number;
  /** MB, the most so far, as the machine sees it. */
  readonly resident: number;
  /** Requests so far, by table and operation. */
  readonly requests: Readonly<Record<string, number>>;
}

/**
 * A worker of a replay in a process of its own: the real verbs, the SDK's client, the archive in a folder. The projections' table is
 * the embedded DynamoDB; the events table answers from a history that is made as it is asked for. With `drops`, states are not kept.
 */
const [folder = '', aggregates = '', versions = '', buckets = '', ledger = '', drops = ''] = process.argv.slice(2);
const history = { aggregates: Number(aggregates), versions: Number(versions) };
const kernel = realKernel({ seed: 1 });
const cloud = createCloud(kernel);
createDynamoDb(cloud);
const requests: Record<string, number> = {};
const count = (what: string) => {
  requests[what] = (requests[what] ?? 0) + 1;
};
const answers = answersOf(history, buckets);
const ofStates = sdkHandler(cloud);
const decoder = new TextDecoder();
const COUNTED = { list: 'events list', head: 'events head', range: 'events range' };
const JSON_HEADERS = { 'content-type': 'application/x-amz-json-1.0' };
/** One client for both tables, as the functions have. */
const client = leanClient(
  new DynamoDBClient({
    ...SDK_CONFIG,
    requestHandler: {
      ...ofStates,
      handle(request: Parameters<typeof nothing.handle>[0]) {
        const operation = (request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
        const text = operation === 'Query' ? decoder.decode(request.body) : '';
        if (text.includes('"TableName":"events"')) {
          const asked = askedBy(text);
          count(COUNTED[asked]);
          const response = { statusCode: 200, headers: JSON_HEADERS, body: answers(asked, text) };
          return Promise.resolve({ response });
        }
        count(`states ${operation}`);
        if (drops === 'drops' && operation === 'PutItem') return nothing.handle(request);
        return ofStates.handle(request);
      },
    },
  }),
);
const nothing = stubbed(() => Buffer.from('{}')).requestHandler;
const tableName = 'projections';
await createProjectionsTable(client, tableName);
const ports = {
  files: folderArchive(folder),
  events: dynamoEventTable({ client, tableName: 'events' }),
  table: dynamoProjectionTable({ client, tableName }),
  builds: dynamoBuilds({ client, tableName }),
  size: async () => ({
    ...{ events: history.aggregates * history.versions, bytes: history.aggregates * history.versions * 500 },
    ...{ aggregates: history.aggregates, indexBytes: history.aggregates * 100 },
  }),
  isRunning: async () => true,
  now: Date.now,
};
const projection = ledger === 'fields' ? LEDGERS.fields : LEDGERS.whole;
const runner = createRunner(projection);
const execution = 'arn:aws:states:us-east-1:000000000000:execution:replay:bench';
const never = () => false;

/** As the state machine writes it. */
const update = (expression: string, values: Record<string, string>) =>
  client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { Build: { S: projection.name }, Key: { S: 'pointer#v1' } },
      UpdateExpression: expression,
      ConditionExpression: 'BuildingBy = :execution',
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries({ ...values, ':execution': execution }).map(([name, S]) => [name, { S }]),
      ),
    }),
  );

async function perform(ask: Ask): Promise<unknown> {
  switch (ask.step) {
    case 'plan':
      return plan(
        ports,
        [projection],
        { name: 'bench', execution, generation: GENERATION },
        { projection: projection.name },
      );
    case 'fold': {
      const results = [];
      for (const slice of ask.slices) results.push(await foldSlice(ports, runner, ask.plan, slice));
      return results;
    }
    case 'oneSlice': {
      const lists = await Promise.all(ask.plan.slices.map(({ manifest }) => ports.files.readText(manifest)));
      const list = lists.flatMap((json) => (JSON.parse(json) as ArchiveFile[][]).flat());
      await ports.files.writeText('all.json', JSON.stringify([list]));
      const bytes = list.reduce((sum, file) => sum + file.bytes, 0);
      const slice = { bucket: '0', files: list.length, bytes, passes: 1, manifest: 'all.json', generation: GENERATION };
      return foldSlice(ports, runner, ask.plan, slice);
    }
    case 'join':
      return update('SET Phase = :joined', { ':joined': 'joined' });
    case 'catchUp': {
      const parts = [];
      for (const part of ask.parts) parts.push(await catchUp(ports, runner, ask.plan, catchUpStart(part), never));
      return parts;
    }
    case 'verifyParts': {
      const parts = [];
      for (const part of ask.parts)
        parts.push(await verifyPart(ports, runner, ask.plan, sumOfParts(ask.caughtUp), verifyStart(part), never));
      return parts;
    }
    case 'verify':
      return verify(ports, runner, ask.plan, sumOfParts(ask.caughtUp), ask.verified);
    case 'promote': {
      const values = { ':build': ask.plan.build, ':live': 'live-v1' };
      await update(
        'SET Active = :build, Previous = if_not_exists(Active, :live) REMOVE Building, BuildingBy, Phase',
        values,
      );
      return (await ports.table.pointer(projection.name, 1)).active;
    }
  }
}

process.on('message', async (ask: Ask) => {
  const before = process.cpuUsage();
  const answer = (await perform(ask)) ?? null;
  const { user, system } = process.cpuUsage(before);
  const told: Told = { answer, cpu: (user + system) * 1000, resident: process.resourceUsage().maxRSS / 1024, requests };
  process.send!(JSON.parse(JSON.stringify(told)));
});
process.on('disconnect', () => process.exit());
process.send!('ready');

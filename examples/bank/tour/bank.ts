import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import {
  createEventStore,
  dynamoEventTable,
  dynamoProjectionTable,
  dynamoSnapshots,
  type EventStore,
  type ProjectionTable,
} from 'daybook';
import { announce, startLocal, synthesize, type TraceEntry } from 'daybook/local';
import { lagging } from './arrived.ts';
import type { Narrator } from './narrator.ts';

/** The bank, up and running on this machine, and clients for what the tour asks it. */
export interface Bank {
  readonly endpoint: string;
  readonly store: EventStore;
  readonly projections: ProjectionTable;
  readonly dynamodb: DynamoDBClient;
  readonly athena: AthenaClient;
  readonly states: SFNClient;
  /** Physical names. */
  readonly names: {
    readonly overdrafts: string;
    readonly workGroup: string;
    readonly database: string;
    readonly stateMachine: string;
    readonly bucket: string;
  };
  /** What has flowed since the start. */
  readonly trace: readonly TraceEntry[];
  /** Resolves when nothing is under way any more, cold storage included. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

// The SDK warns of Node 20 at each start; the functions run on the runtime that the template names.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** How long events may take to arrive everywhere before the tour says what lags. */
const PATIENCE_MS = 60_000;

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** Synthesizes the CDK app and hosts the template. */
export async function openBank(tell: Narrator, options: { readonly port?: number }): Promise<Bank> {
  tell.line('Synthesizing the CDK app (stacks/app.ts) …');
  const assembly = await synthesize(join(root, 'stacks/app.ts'));
  const trace: TraceEntry[] = [];
  const runtime = await startLocal({
    assembly: assembly.directory,
    ...options,
    onTrace: (entry) => trace.push(entry),
    log: (line) => {
      if (line.startsWith('runtime: ')) process.stderr.write(`${line}\n`);
    },
  });
  const { outputs, byPath } = runtime.stacks.Bank!;
  const output = (name: string) => {
    const value = outputs[`Daybook${name}`];
    if (value === undefined) throw new Error(`The stack Bank has no output Daybook${name}`);
    return value;
  };
  tell.good(
    `The template's ${Object.keys(runtime.stacks.Bank!.resources).length} resources are hosted at ${runtime.endpoint}`,
  );
  const config = {
    endpoint: runtime.endpoint,
    region: runtime.account.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const dynamodb = new DynamoDBClient(config);
  const athena = new AthenaClient(config);
  const states = new SFNClient(config);
  const conceal = announce(runtime);
  const store = createEventStore({
    table: dynamoEventTable({ client: dynamodb, tableName: output('EventsTableName') }),
    snapshots: dynamoSnapshots({ client: dynamodb, tableName: output('SnapshotsTableName') }),
  });
  const projections = dynamoProjectionTable({ client: dynamodb, tableName: output('ProjectionsTableName') });
  const names = {
    overdrafts: byPath['Bank/Overdrafts']!,
    workGroup: output('WorkGroupName'),
    database: output('DatabaseName'),
    stateMachine: output('ReplayStateMachineArn'),
    bucket: output('ArchiveBucketName'),
  };
  return {
    endpoint: runtime.endpoint,
    store,
    projections,
    dynamodb,
    athena,
    states,
    names,
    trace,
    async settled() {
      const deadline = Date.now() + PATIENCE_MS;
      for (;;) {
        await runtime.idle();
        const behind = await lagging({ store, projections, dynamodb, overdrafts: names.overdrafts });
        if (behind.length === 0) break;
        if (Date.now() > deadline) throw new Error(`After ${PATIENCE_MS / 1000} s ${behind.join('; ')}`);
      }
      await runtime.flush();
      await runtime.idle();
    },
    async close() {
      conceal();
      for (const client of [dynamodb, athena, states]) client.destroy();
      await runtime.stop();
      assembly.dispose();
    },
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  AthenaClient,
  GetNamedQueryCommand,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  ListNamedQueriesCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import {
  createEventStore,
  dynamoEventTable,
  dynamoProjectionTable,
  dynamoSnapshots,
  type EventStore,
  type ProjectionTable,
  type ReplayRequest,
} from 'daybook';
import { startLocal, synthesize, type TraceEntry } from 'daybook/local';
import { root } from './history.ts';

/** What one run of `daybook import --json` says. */
export interface ImportReport {
  readonly lines: number;
  readonly written: number;
  readonly alreadyThere: number;
  readonly refused: number;
  readonly aggregates: number;
  readonly seconds: number;
}

export interface ReplayReport {
  readonly kind: 'rebuild' | 'report';
  readonly eventsFolded: number;
  readonly aggregates: number;
  readonly versions: number;
  readonly applied: number;
  readonly caughtUp: number;
  readonly sampled: number;
}

/** The example, up and running. */
export interface Repository {
  readonly store: EventStore;
  readonly projections: ProjectionTable;
  /** How often the runtime noted something, by service and what: `events: event put FileAdded`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Runs the real command line in a process of its own. */
  startImport(file: string): Import;
  /** How many writes to the events table the runtime has seen. */
  writes(): number;
  /** Resolves when so many events are on the bus and all has come to rest, cold storage included. */
  settled(events: number): Promise<void>;
  /** The rows of a query, without the names of its columns; parameters are SQL literals. */
  select(sql: string, parameters?: readonly string[]): Promise<(string | null)[][]>;
  /** The same with a query that the template brings. */
  saved(name: string, parameters?: readonly string[]): Promise<(string | null)[][]>;
  replay(name: string, request: ReplayRequest): Promise<ReplayReport>;
  stop(): Promise<void>;
}

export interface Import {
  readonly process: ChildProcess;
  readonly done: Promise<ImportReport>;
}

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

export async function openRepository(): Promise<Repository> {
  const assembly = await synthesize(join(root, 'examples/git-history/cdk.ts'));
  const counts = new Map<string, number>();
  const count = ({ service, what, detail }: TraceEntry) => {
    const key = `${service}: ${what}${what === 'event put' ? ` ${detail.detailType}` : ''}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const problems: string[] = [];
  const runtime = await startLocal({
    assembly: assembly.directory,
    onTrace: count,
    log: (line) => {
      if (line.startsWith('runtime: ')) problems.push(line);
    },
  });
  const { outputs } = runtime.stacks.GitHistory!;
  const output = (name: string) => outputs[`Daybook${name}`]!;
  const config = {
    endpoint: runtime.endpoint,
    region: runtime.account.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const dynamodb = new DynamoDBClient(config);
  const athena = new AthenaClient(config);
  const states = new SFNClient(config);
  let writes = 0;
  runtime.services.dynamodb.setFaults({
    after(operation, input) {
      const table = input.TableName ?? input.TransactItems?.[0]?.Put?.TableName;
      if (table === output('EventsTableName') && /Put|Transact/.test(operation)) writes++;
    },
  });

  const startImport = (file: string): Import => {
    const main = join(root, 'test/src/cli/run-main.ts');
    const options = ['--app', join(root, 'examples/git-history/app.ts'), '--json'];
    const child = spawn(
      process.execPath,
      ['--conditions=daybook-source', '--import', 'tsx', main, 'import', file, ...options],
      {
        cwd: root,
        env: { ...process.env, ...runtime.environment, DAYBOOK_EVENTS_TABLE: output('EventsTableName') },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      said.out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said.err += chunk.toString();
    });
    const done = new Promise<ImportReport>((resolve, reject) => {
      child.on('close', (code, signal) => {
        if (code === 0) resolve(JSON.parse(said.out) as ImportReport);
        else reject(new Error(`daybook import ended with ${code ?? signal}: ${said.err}`));
      });
    });
    return { process: child, done };
  };

  const rest = async () => {
    await runtime.idle();
    await runtime.flush();
    await runtime.idle();
  };

  const select = async (QueryString: string, parameters: readonly string[] = []) => {
    const { QueryExecutionId } = await athena.send(
      new StartQueryExecutionCommand({
        QueryString,
        WorkGroup: output('WorkGroupName'),
        QueryExecutionContext: { Database: output('DatabaseName') },
        ...(parameters.length > 0 && { ExecutionParameters: [...parameters] }),
      }),
    );
    for (;;) {
      const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
      const { State, StateChangeReason } = QueryExecution?.Status ?? {};
      if (State === 'SUCCEEDED') break;
      if (State === 'FAILED' || State === 'CANCELLED') throw new Error(`${QueryString}: ${StateChangeReason}`);
      await pause(20);
    }
    const rows: (string | null)[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await athena.send(new GetQueryResultsCommand({ QueryExecutionId, NextToken }));
      for (const { Data = [] } of page.ResultSet?.Rows ?? []) {
        rows.push(Data.map(({ VarCharValue }) => VarCharValue ?? null));
      }
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return rows.slice(1);
  };

  const savedQueries = async () => {
    const { NamedQueryIds = [] } = await athena.send(
      new ListNamedQueriesCommand({ WorkGroup: output('WorkGroupName') }),
    );
    const found = await Promise.all(
      NamedQueryIds.map((NamedQueryId) => athena.send(new GetNamedQueryCommand({ NamedQueryId }))),
    );
    return new Map(found.map(({ NamedQuery }) => [NamedQuery?.Name, NamedQuery?.QueryString ?? '']));
  };

  return {
    store: createEventStore({
      table: dynamoEventTable({ client: dynamodb, tableName: output('EventsTableName') }),
      snapshots: dynamoSnapshots({ client: dynamodb, tableName: output('SnapshotsTableName') }),
    }),
    projections: dynamoProjectionTable({ client: dynamodb, tableName: output('ProjectionsTableName') }),
    counts,
    startImport,
    writes: () => writes,
    async settled(events) {
      await rest();
      while (published(counts) < events) await rest();
    },
    select,
    saved: async (name, parameters) => await select((await savedQueries()).get(name)!, parameters),
    async replay(name, request) {
      const { executionArn } = await states.send(
        new StartExecutionCommand({
          stateMachineArn: output('ReplayStateMachineArn'),
          name,
          input: JSON.stringify(request),
        }),
      );
      for (;;) {
        const { status, output: text, error, cause } = await states.send(new DescribeExecutionCommand({ executionArn }));
        if (status === 'SUCCEEDED') return JSON.parse(text!) as ReplayReport;
        if (status !== 'RUNNING') throw new Error(`The replay ${name} is ${status}: ${error} ${cause}`);
        await pause(20);
      }
    },
    async stop() {
      for (const client of [dynamodb, athena, states]) client.destroy();
      await runtime.stop();
      assembly.dispose();
      if (problems.length > 0) throw new Error(problems.join('\n'));
    },
  };
}

/** Events of the history on the bus; announcements of replays are events of another source. */
export function published(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [key, n] of counts) if (key.startsWith('events: event put File')) sum += n;
  return sum;
}

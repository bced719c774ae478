import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { createEventStore, dynamoEventTable, dynamoProjectionTable, type ReplayRequest } from 'daybook';
import { startLocal, synthesize } from 'daybook/local';
import { BUS_SOURCE } from '../../../src/feed/event-bus.ts';
import { nodeProgram } from '../../node-program.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The example's CDK app, hosted, with what the test asks it. */
export async function hostGitHistory() {
  const assembly = await synthesize(`${root}examples/git-history/cdk.ts`);
  let published = 0;
  const runtime = await startLocal({
    assembly: assembly.directory,
    onTrace: ({ service, what, detail }) => {
      // Others put events too: a compaction that begins at its hour tells of itself.
      if (service === 'events' && what === 'event put' && detail.source === BUS_SOURCE) published++;
    },
  });
  const outputs = runtime.stacks.GitHistory!.outputs;
  const output = (name: string) => outputs[`Daybook${name}`]!;
  const config = {
    endpoint: runtime.endpoint,
    region: runtime.account.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const dynamodb = new DynamoDBClient(config);
  const athena = new AthenaClient(config);
  const states = new SFNClient(config);
  const table = dynamoEventTable({ client: dynamodb, tableName: output('EventsTableName') });

  /** Rows of a query, without its header. */
  async function sql(QueryString: string, ...parameters: (string | number)[]): Promise<string[][]> {
    const { QueryExecutionId } = await athena.send(
      new StartQueryExecutionCommand({
        QueryString,
        WorkGroup: output('WorkGroupName'),
        QueryExecutionContext: { Database: output('DatabaseName') },
        ...(parameters.length > 0 && {
          ExecutionParameters: parameters.map((value) => (typeof value === 'number' ? String(value) : `'${value}'`)),
        }),
      }),
    );
    for (;;) {
      const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
      const { State, StateChangeReason } = QueryExecution!.Status!;
      if (State === 'SUCCEEDED') break;
      if (State !== 'QUEUED' && State !== 'RUNNING') throw new Error(`${QueryString}: ${State} ${StateChangeReason}`);
      await pause(20);
    }
    const rows: string[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await athena.send(
        new GetQueryResultsCommand({ QueryExecutionId, ...(NextToken !== undefined && { NextToken }) }),
      );
      for (const { Data = [] } of page.ResultSet?.Rows ?? [])
        rows.push(Data.map(({ VarCharValue = '' }) => VarCharValue));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return rows.slice(1);
  }

  async function replay(name: string, request: ReplayRequest) {
    const { executionArn } = await states.send(
      new StartExecutionCommand({
        stateMachineArn: output('ReplayStateMachineArn'),
        name,
        input: JSON.stringify(request),
      }),
    );
    for (;;) {
      const {
        status,
        output: answer,
        error,
        cause,
      } = await states.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'SUCCEEDED')
        return JSON.parse(answer!) as { eventsFolded: number; aggregates: number; applied: number };
      if (status !== 'RUNNING') throw new Error(`${name} is ${status}: ${error} ${cause}`);
      await pause(100);
    }
  }

  /** `daybook import`, as a process of its own. */
  async function runImport(
    file: string,
  ): Promise<{ code: number | null; summary: Record<string, number>; errors: string }> {
    const args = await nodeProgram('test/src/cli/run-main.ts');
    const child = spawn(process.execPath, [...args, 'import', file, '--type', 'File', '--json'], {
      cwd: root,
      env: { ...process.env, ...runtime.environment, DAYBOOK_EVENTS_TABLE: output('EventsTableName') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        const last = out.trim().split('\n').at(-1) ?? '';
        resolve({ code, summary: last.startsWith('{') ? JSON.parse(last) : {}, errors });
      });
    });
  }

  return {
    runtime,
    table,
    store: createEventStore({ table }),
    projections: dynamoProjectionTable({ client: dynamodb, tableName: output('ProjectionsTableName') }),
    sql,
    replay,
    runImport,
    published: () => published,
    async close() {
      for (const client of [dynamodb, athena, states]) client.destroy();
      await runtime.stop();
      assembly.dispose();
    },
  };
}

export type GitHistory = Awaited<ReturnType<typeof hostGitHistory>>;

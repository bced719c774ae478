import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Caller, Cloud, Json } from '../cloud.ts';
import { type Journal, openJournal } from '../s3/journal.ts';
import type { S3 } from '../s3/s3.ts';
import type { DuckDb } from './duckdb.ts';
import { invalidRequest } from './errors.ts';
import { toQueryFailure } from './failure.ts';
import { type Outcome, runStatement } from './run-statement.ts';
import { parseStatement, type Statement, statementType } from './statement.ts';

export type QueryState = 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/** What is known of a query; it is written down when it changes. */
export interface Execution {
  readonly id: string;
  readonly query: string;
  readonly type: 'DML' | 'DDL' | 'UTILITY';
  readonly workGroup: string;
  readonly database: string | undefined;
  readonly parameters: readonly string[];
  readonly outputLocation: string;
  readonly cutoffBytes: number | undefined;
  readonly token: string | undefined;
  readonly submittedMs: number;
  state: QueryState;
  reason?: string;
  startedMs?: number;
  completedMs?: number;
  outcome?: Outcome;
}

export interface Executions {
  start(request: Omit<Execution, 'id' | 'type' | 'submittedMs' | 'state'>, caller: Caller): string;
  get(id: unknown): Execution;
  find(id: string): Execution | undefined;
  /** Newest first. */
  list(workGroup: string): readonly Execution[];
  stop(id: unknown): void;
  close(): void;
}

/** Queries that run side by side: more would only share the same two threads. */
const AT_ONCE = 2;

export function openExecutions(options: {
  readonly cloud: Cloud;
  readonly s3: S3;
  readonly duckdb: DuckDb;
  readonly dir: string | undefined;
}): Executions {
  const { cloud, s3, duckdb } = options;
  const { clock, random, scheduler } = cloud.kernel;
  const executions = new Map<string, Execution>();
  const tokens = new Map<string, string>();
  const waiting: (() => Promise<void>)[] = [];
  const connections = new Map<string, DuckDBConnection>();
  let running = 0;

  const remember = (execution: Execution) => {
    executions.set(execution.id, execution);
    if (execution.token !== undefined) tokens.set(execution.token, execution.id);
  };
  let journal: Journal<Execution> | undefined;
  if (options.dir !== undefined) {
    journal = openJournal<Execution>(join(options.dir, 'executions.jsonl'), remember, () => {
      for (const execution of executions.values()) {
        if (execution.state !== 'QUEUED' && execution.state !== 'RUNNING') continue;
        execution.state = 'FAILED';
        execution.reason = 'GENERIC_INTERNAL_ERROR: the runtime ended before the query did';
        execution.completedMs = clock.now();
      }
      return executions.values();
    });
  }

  const change = (execution: Execution, state: QueryState, more: Partial<Execution> = {}) => {
    Object.assign(execution, more, { state });
    journal?.append(execution);
    cloud.trace.note('athena', state, {
      query: execution.id,
      ...(execution.reason !== undefined && { reason: execution.reason }),
    });
  };

  const run = async (execution: Execution, statement: Statement, caller: Caller) => {
    if (execution.state === 'CANCELLED') return;
    change(execution, 'RUNNING', { startedMs: clock.now() });
    try {
      const connection = await duckdb.connect();
      connections.set(execution.id, connection);
      const outcome = await runStatement(
        statement,
        {
          queryId: execution.id,
          parameters: execution.parameters,
          outputLocation: execution.outputLocation,
          cutoffBytes: execution.cutoffBytes,
          scratchDir: duckdb.scratchDir,
        },
        { cloud, s3, caller, connection, database: execution.database, nowMs: clock.now() },
      );
      if (stateOf(execution) !== 'CANCELLED') change(execution, 'SUCCEEDED', { outcome, completedMs: clock.now() });
    } catch (error) {
      const failure = toQueryFailure(error);
      if (stateOf(execution) !== 'CANCELLED') {
        change(execution, failure.cancelled ? 'CANCELLED' : 'FAILED', {
          reason: failure.message,
          completedMs: clock.now(),
        });
      }
    } finally {
      connections.get(execution.id)?.closeSync();
      connections.delete(execution.id);
    }
  };

  const pump = async () => {
    if (running >= AT_ONCE) return;
    const next = waiting.shift();
    if (next === undefined) return;
    running++;
    try {
      await next();
    } finally {
      running--;
      await pump();
    }
  };

  const find = (id: unknown): Execution => {
    const execution = executions.get(String(id));
    if (execution === undefined) throw invalidRequest(`QueryExecution ${id} was not found`);
    return execution;
  };

  return {
    start(request, caller) {
      const statement = parseStatement(request.query);
      const earlier = request.token === undefined ? undefined : executions.get(tokens.get(request.token) ?? '');
      if (earlier !== undefined) {
        // "If another StartQueryExecution request is received, the same response is returned and another query is not
        // created. An error is returned if a parameter, for example, the QueryString, has changed."
        const same =
          earlier.query === request.query &&
          earlier.workGroup === request.workGroup &&
          earlier.database === request.database;
        if (!same || earlier.parameters.join('\0') !== request.parameters.join('\0'))
          throw invalidRequest('Idempotent parameters do not match');
        return earlier.id;
      }
      const execution: Execution = {
        ...request,
        id: random.uuid(),
        type: statementType(statement),
        submittedMs: clock.now(),
        state: 'QUEUED',
      };
      remember(execution);
      change(execution, 'QUEUED');
      waiting.push(() => run(execution, statement, caller));
      scheduler.after(0, pump);
      return execution.id;
    },
    get: find,
    find: (id) => executions.get(id),
    list: (workGroup) => [...executions.values()].filter((execution) => execution.workGroup === workGroup).reverse(),
    stop(id) {
      const execution = find(id);
      if (execution.state !== 'QUEUED' && execution.state !== 'RUNNING') return;
      change(execution, 'CANCELLED', { reason: 'Query was cancelled by the user', completedMs: clock.now() });
      connections.get(execution.id)?.interrupt();
    },
    close() {
      for (const connection of connections.values()) connection.interrupt();
      journal?.close();
      journal = undefined;
    },
  };
}

/** The state as it is now: it may have changed while the query ran. */
const stateOf = (execution: Execution): QueryState => execution.state;

/** As GetQueryExecution shows it. */
export function describeExecution(execution: Execution): Json {
  const { outcome, submittedMs, startedMs = submittedMs, completedMs } = execution;
  return {
    QueryExecutionId: execution.id,
    Query: execution.query,
    StatementType: execution.type,
    ResultConfiguration: {
      OutputLocation: outcome?.outputLocation ?? `${execution.outputLocation}${execution.id}.csv`,
    },
    QueryExecutionContext: {
      ...(execution.database !== undefined && { Database: execution.database }),
      Catalog: 'awsdatacatalog',
    },
    Status: {
      State: execution.state,
      SubmissionDateTime: submittedMs / 1000,
      ...(execution.reason !== undefined && { StateChangeReason: execution.reason }),
      ...(execution.state === 'FAILED' && {
        // "ErrorCategory: 1 system, 2 user, 3 other".
        AthenaError: { ErrorCategory: 2, ErrorType: 1, Retryable: false, ErrorMessage: execution.reason },
      }),
      ...(completedMs !== undefined && { CompletionDateTime: completedMs / 1000 }),
    },
    Statistics: {
      DataScannedInBytes: outcome?.scannedBytes ?? 0,
      QueryQueueTimeInMillis: startedMs - submittedMs,
      ...(completedMs !== undefined && {
        EngineExecutionTimeInMillis: completedMs - startedMs,
        TotalExecutionTimeInMillis: completedMs - submittedMs,
        ServiceProcessingTimeInMillis: 0,
      }),
      ...(outcome?.manifestLocation !== undefined && { DataManifestLocation: outcome.manifestLocation }),
      ResultReuseInformation: { ReusedPreviousResult: false },
    },
    WorkGroup: execution.workGroup,
    EngineVersion: {
      SelectedEngineVersion: 'Athena engine version 3',
      EffectiveEngineVersion: 'Athena engine version 3',
    },
    ...(execution.parameters.length > 0 && { ExecutionParameters: execution.parameters }),
    SubstatementType: execution.query.trim().split(/\s/)[0]!.toUpperCase(),
  };
}

import type { Caller, Cloud, Json, Service } from '../cloud.ts';
import { handleBy, type Operations, operation } from '../operations.ts';
import type { S3 } from '../s3/s3.ts';
import { openAthenaState } from './athena-state.ts';
import { catalogOperations } from './catalog-operations.ts';
import type { DuckDb } from './duckdb.ts';
import { invalidRequest } from './errors.ts';
import { describeExecution, type Executions, openExecutions } from './executions.ts';
import { namedQueryOperations } from './named-queries.ts';
import { pageOf } from './page.ts';
import { queryResults, type RecentResult } from './query-results.ts';
import { checkResultConfiguration, workGroupOf, workGroupOperations } from './work-groups.ts';

export interface AthenaOptions {
  /** Where the tables' files are. */
  readonly s3: S3;
  readonly duckdb: DuckDb;
  /** Where workgroups, named queries and past queries are kept; without it, in memory only. */
  readonly dir?: string;
}

export interface Athena extends Service {
  close(): void;
}

/** "Maximum length of 262144." */
const QUERY_BYTES = 262_144;

/** Makes the embedded Athena, DuckDB over the files of S3 and the tables of Glue, and registers it with the cloud. */
export function createAthena(cloud: Cloud, options: AthenaOptions): Athena {
  const state = openAthenaState(options.dir, cloud.kernel.clock.now());
  const executions = openExecutions({ cloud, s3: options.s3, duckdb: options.duckdb, dir: options.dir });

  const start = (input: Json, caller: Caller): Json => {
    const group = workGroupOf(state, input.WorkGroup);
    if (group.state === 'DISABLED') throw invalidRequest(`WorkGroup ${group.name} is disabled.`);
    const query: unknown = input.QueryString;
    if (typeof query !== 'string' || query.trim() === '') throw invalidRequest('QueryString is required');
    if (Buffer.byteLength(query) > QUERY_BYTES) throw invalidRequest(`QueryString is longer than ${QUERY_BYTES} bytes`);
    const catalog: string | undefined = input.QueryExecutionContext?.Catalog;
    if (catalog !== undefined && catalog.toLowerCase() !== 'awsdatacatalog')
      throw invalidRequest(`The catalog ${catalog} is not hosted here`);
    if (input.ResultReuseConfiguration?.ResultReuseByAgeConfiguration?.Enabled === true) {
      throw invalidRequest('ResultReuseConfiguration is not honoured by the embedded Athena');
    }
    checkResultConfiguration(input.ResultConfiguration);
    const { configuration } = group;
    const ofGroup: string | undefined = configuration.ResultConfiguration?.OutputLocation;
    const ofCall: string | undefined = input.ResultConfiguration?.OutputLocation;
    // "If set to true, the settings for the workgroup override client-side settings."
    const location = configuration.EnforceWorkGroupConfiguration === true ? (ofGroup ?? ofCall) : (ofCall ?? ofGroup);
    if (location === undefined) {
      throw invalidRequest(
        'No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.',
      );
    }
    const id = executions.start(
      {
        query,
        workGroup: group.name,
        database: input.QueryExecutionContext?.Database?.toLowerCase(),
        parameters: (input.ExecutionParameters ?? []).map(String),
        outputLocation: location.endsWith('/') ? location : `${location}/`,
        cutoffBytes: configuration.BytesScannedCutoffPerQuery,
        token: input.ClientRequestToken,
      },
      caller,
    );
    return { QueryExecutionId: id };
  };

  const athena: Athena = {
    name: 'athena',
    handle: handleBy(
      'Athena',
      {
        StartQueryExecution: operation(
          [
            'QueryString',
            'ClientRequestToken',
            'QueryExecutionContext',
            'ResultConfiguration',
            'WorkGroup',
            'ExecutionParameters',
            'ResultReuseConfiguration',
          ],
          start,
        ),
        ...executionOperations(executions, cloud),
        ...workGroupOperations(state, cloud),
        ...namedQueryOperations(state, cloud),
        ...catalogOperations(cloud),
      },
      'InvalidRequestException',
    ),
    close: () => executions.close(),
  };
  cloud.register(athena);
  return athena;
}

function executionOperations(executions: Executions, cloud: Cloud): Operations {
  const recent: RecentResult = { id: '', text: '' };
  return {
    GetQueryExecution: operation(['QueryExecutionId'], (input) => ({
      QueryExecution: describeExecution(executions.get(input.QueryExecutionId)),
    })),
    BatchGetQueryExecution: operation(['QueryExecutionIds'], (input) => {
      const ids: string[] = input.QueryExecutionIds ?? [];
      const found = ids.map((id) => executions.find(id));
      return {
        QueryExecutions: found.flatMap((execution) => (execution === undefined ? [] : [describeExecution(execution)])),
        UnprocessedQueryExecutionIds: ids
          .filter((_id, i) => found[i] === undefined)
          .map((id) => ({
            QueryExecutionId: id,
            ErrorCode: 'INVALID_INPUT',
            ErrorMessage: `QueryExecution ${id} was not found`,
          })),
      };
    }),
    ListQueryExecutions: operation(['NextToken', 'MaxResults', 'WorkGroup'], (input) => {
      const ids = executions.list(input.WorkGroup ?? 'primary').map((execution) => execution.id);
      const { items, token } = pageOf(ids, input, 50);
      return { QueryExecutionIds: items, ...token };
    }),
    StopQueryExecution: operation(['QueryExecutionId'], (input) => {
      executions.stop(input.QueryExecutionId);
      return {};
    }),
    GetQueryResults: operation(['QueryExecutionId', 'NextToken', 'MaxResults', 'QueryResultType'], (input, caller) =>
      queryResults(executions.get(input.QueryExecutionId), input, { cloud, caller, recent }),
    ),
  };
}

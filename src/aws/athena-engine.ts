import {
  type AthenaClient,
  BatchGetNamedQueryCommand,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type GetQueryResultsOutput,
  ListNamedQueriesCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { QueryEngine, QueryResult, ResultColumn, ResultRow } from '../archive/query-engine.ts';
import { readResultCsv } from '../archive/result-csv.ts';

export interface AthenaEngineOptions {
  readonly client: AthenaClient;
  /** For result files: GetQueryResults gives a thousand rows a call, a file streams. */
  readonly s3: S3Client;
  readonly workGroup: string;
  readonly database: string;
}

/** Athena, or whatever speaks its protocol. */
export function athenaEngine({
  client,
  s3,
  workGroup: WorkGroup,
  database: Database,
}: AthenaEngineOptions): QueryEngine {
  const describe = async (QueryExecutionId: string) => {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    return QueryExecution!;
  };
  return {
    async start(QueryString, parameters) {
      const { QueryExecutionId } = await client.send(
        new StartQueryExecutionCommand({
          QueryString,
          WorkGroup,
          QueryExecutionContext: { Database },
          ...(parameters.length > 0 && { ExecutionParameters: [...parameters] }),
        }),
      );
      return QueryExecutionId!;
    },
    async status(queryId) {
      const { Status, Statistics, StatementType } = await describe(queryId);
      const reason = Status?.StateChangeReason ?? Status?.AthenaError?.ErrorMessage;
      return {
        state: Status!.State!,
        scannedBytes: Statistics?.DataScannedInBytes ?? 0,
        isFree: StatementType !== 'DML',
        ...(reason !== undefined && { reason }),
      };
    },
    async stop(QueryExecutionId) {
      await client.send(new StopQueryExecutionCommand({ QueryExecutionId }));
    },
    async result(QueryExecutionId): Promise<QueryResult> {
      const { ResultConfiguration, Statistics } = await describe(QueryExecutionId);
      const location = ResultConfiguration?.OutputLocation ?? '';
      const isFile = location.endsWith('.csv');
      const first = await client.send(
        new GetQueryResultsCommand({ QueryExecutionId, ...(isFile && { MaxResults: 1 }) }),
      );
      const columns = columnsOf(first);
      if (isFile) return { columns, batches: fileRows(s3, location) };
      if (location.endsWith('.txt'))
        return { columns, batches: pagedRows(client, QueryExecutionId, first, columns.length) };
      const written = Statistics?.DataManifestLocation ?? location;
      return { columns: [], batches: (async function* () {})(), written };
    },
    async *saved() {
      let NextToken: string | undefined;
      do {
        const page = await client.send(
          new ListNamedQueriesCommand({ WorkGroup, ...(NextToken !== undefined && { NextToken }) }),
        );
        const NamedQueryIds = page.NamedQueryIds ?? [];
        if (NamedQueryIds.length > 0) {
          const { NamedQueries = [] } = await client.send(new BatchGetNamedQueryCommand({ NamedQueryIds }));
          for (const { Name, Description, QueryString } of NamedQueries)
            yield { name: Name!, question: Description ?? '', sql: QueryString! };
        }
        NextToken = page.NextToken;
      } while (NextToken !== undefined);
    },
  };
}

function columnsOf({ ResultSet }: GetQueryResultsOutput): ResultColumn[] {
  const info = ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
  return info.map(({ Name, Type, Precision = 38, Scale = 0 }) => ({
    name: Name!,
    type: Type!,
    ...(Type === 'decimal' && { precision: Precision, scale: Scale }),
  }));
}

/** The first row of the file has the names. */
async function* fileRows(s3: S3Client, location: string): AsyncIterable<readonly ResultRow[]> {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(location)!;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: Bucket!, Key: Key! }));
  let isFirst = true;
  for await (const rows of readResultCsv(Body as AsyncIterable<Uint8Array>)) {
    yield isFirst ? rows.slice(1) : rows;
    isFirst = false;
  }
}

/** What lists or describes tables has a text file without names; it is short. */
async function* pagedRows(
  client: AthenaClient,
  QueryExecutionId: string,
  first: GetQueryResultsOutput,
  columns: number,
): AsyncIterable<readonly ResultRow[]> {
  for (let page = first; ; ) {
    yield (page.ResultSet?.Rows ?? []).map(({ Data = [] }) =>
      parts(
        Data.map(({ VarCharValue }) => VarCharValue),
        columns,
      ),
    );
    const { NextToken } = page;
    if (NextToken === undefined) return;
    page = await client.send(new GetQueryResultsCommand({ QueryExecutionId, NextToken }));
  }
}

/** DESCRIBE gives a line's columns as one text with tabs and spaces between. */
function parts(row: ResultRow, columns: number): ResultRow {
  if (row.length >= columns || row[0] === undefined) return row;
  return row[0].split('\t').map((text) => text.trim());
}

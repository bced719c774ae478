import type { Caller, Cloud, Json } from '../cloud.ts';
import { type CsvRow, readCsv } from './csv.ts';
import { invalidRequest } from './errors.ts';
import type { Execution } from './executions.ts';
import { parseLocation } from './output.ts';

/** "Maximum value of 1000." */
const MOST_ROWS = 1000;

/** The text of the result that was read last: paging asks for the same one again and again. */
export interface RecentResult {
  id: string;
  text: string;
}

/** A page of a result, read from its file with the caller's rights, as Athena does it. The first row has the names. */
export async function queryResults(
  execution: Execution,
  input: Json,
  context: { readonly cloud: Cloud; readonly caller: Caller; readonly recent: RecentResult },
): Promise<Json> {
  if (input.QueryResultType !== undefined && input.QueryResultType !== 'DATA_ROWS') {
    throw invalidRequest(`QueryResultType ${input.QueryResultType} is not honoured by the embedded Athena`);
  }
  if (execution.state === 'QUEUED' || execution.state === 'RUNNING') {
    throw invalidRequest(`Query has not yet finished. Current state: ${execution.state}`);
  }
  const { outcome } = execution;
  if (outcome === undefined)
    throw invalidRequest(`Query did not finish successfully. Final query state: ${execution.state}`);
  const most = Number(input.MaxResults ?? MOST_ROWS);
  if (!(most >= 1 && most <= MOST_ROWS))
    throw invalidRequest(`MaxResults must be between 1 and ${MOST_ROWS}, got ${input.MaxResults}`);
  const from = input.NextToken === undefined ? 0 : Number(Buffer.from(String(input.NextToken), 'base64').toString());
  const { rows, next } = await readRows(execution, from, most, context);
  return {
    ...(outcome.updateCount !== undefined && { UpdateCount: outcome.updateCount }),
    ResultSet: {
      Rows: rows.map((row) => ({ Data: row.map((value) => (value === undefined ? {} : { VarCharValue: value })) })),
      ResultSetMetadata: {
        ColumnInfo: outcome.columns.map(({ name, type, precision, scale }) => ({
          CatalogName: 'hive',
          SchemaName: '',
          TableName: '',
          Name: name,
          Label: name,
          Type: type,
          Precision: precision,
          Scale: scale,
          Nullable: 'UNKNOWN',
          CaseSensitive: type === 'varchar' || type === 'string',
        })),
      },
    },
    ...(next !== undefined && { NextToken: Buffer.from(String(next)).toString('base64') }),
  };
}

async function readRows(
  execution: Execution,
  from: number,
  most: number,
  { cloud, caller, recent }: { readonly cloud: Cloud; readonly caller: Caller; readonly recent: RecentResult },
): Promise<{ rows: CsvRow[]; next: number | undefined }> {
  const { outputLocation } = execution.outcome!;
  if (!/\.(csv|txt)$/.test(outputLocation)) return { rows: [], next: undefined };
  if (from === 0 || recent.id !== execution.id) {
    const { bucket: Bucket, prefix } = parseLocation(outputLocation);
    const { Body } = await cloud.call(caller, 's3', 'GetObject', { Bucket, Key: prefix.slice(0, -1) });
    Object.assign(recent, { id: execution.id, text: Body.toString('utf8') });
  }
  const { text } = recent;
  if (outputLocation.endsWith('.csv')) return readCsv(text, from, most);
  const lines = text.split('\n').slice(0, -1);
  const rows = lines.slice(from, from + most).map((line) => [line]);
  return { rows, next: from + most < lines.length ? from + most : undefined };
}

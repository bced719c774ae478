import type { DuckDBConnection } from '@duckdb/node-api';
import { type Caller, type Cloud, type Json, ServiceError } from '../cloud.ts';
import { quoteName, UnknownHiveType } from '../glue/hive-type.ts';
import type { S3 } from '../s3/s3.ts';
import { type Node, parseSelect, toSql } from './ast.ts';
import { toDuckDbSyntax } from './dialect.ts';
import { QueryFailure } from './errors.ts';
import { rewriteQuery } from './rewrite.ts';
import { type TableScan, tableSource } from './table-source.ts';

/** What a query runs with. */
export interface QueryContext {
  readonly cloud: Cloud;
  readonly s3: S3;
  readonly caller: Caller;
  readonly connection: DuckDBConnection;
  readonly database: string | undefined;
  readonly nowMs: number;
}

/** A query that DuckDB can run, and the tables that it reads. */
export interface BoundQuery {
  readonly sql: string;
  readonly scans: readonly TableScan[];
}

/** Finds the tables and views of a query in the catalog and makes them temporary views of this connection. */
export async function bindQuery(sql: string, parameters: readonly Node[], context: QueryContext): Promise<BoundQuery> {
  const made = new Map<string, string>();
  const scans: TableScan[] = [];
  const withPath = sql.includes('"$path"');

  const bind = async (text: string, database: string | undefined, values: readonly Node[], open: readonly string[]) => {
    const tree = await parseSelect(context.connection, toDuckDbSyntax(text));
    const rewritten = rewriteQuery(tree, { database, nowMs: context.nowMs, parameters: values });
    if (rewritten.parameters !== values.length) {
      throw new QueryFailure(
        `INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected ${rewritten.parameters} but found ${values.length}`,
      );
    }
    for (const reference of rewritten.tables) {
      reference.readAs(await relationOf(reference.database, reference.table, open));
    }
    return await toSql(context.connection, tree);
  };

  const relationOf = async (database: string, name: string, open: readonly string[]): Promise<string> => {
    const relation = `${database}.${name}`;
    const known = made.get(relation);
    if (known !== undefined) return known;
    if (open.includes(relation)) throw new QueryFailure(`VIEW_IS_RECURSIVE: line 1:1: View '${relation}' is recursive`);
    const table = await findTable(database, name, context);
    const view = viewOf(table);
    let select: string;
    if (view !== undefined) {
      select = await bind(view.sql, view.database ?? database, [], [...open, relation]);
    } else {
      await checkReadable(table, context);
      const source = toSource(table, `t${scans.length}.`);
      if (source.linked !== undefined) await checkLinked(source.linked, context);
      scans.push(...source.scans);
      select = source.sql;
    }
    await context.connection.run(`CREATE TEMP VIEW ${quoteName(relation)} AS ${select}`);
    made.set(relation, relation);
    return relation;
  };

  const toSource = (table: Json, mark: string) => {
    try {
      return tableSource(table, { s3: context.s3, nowMs: context.nowMs, mark, withPath });
    } catch (error) {
      if (error instanceof UnknownHiveType)
        throw new QueryFailure(`INVALID_TABLE_PROPERTY: ${table.Name}: ${error.message}`);
      throw error;
    }
  };

  return { sql: await bind(sql, context.database, parameters, []), scans };
}

export async function findTable(
  database: string,
  name: string,
  { cloud, caller }: Pick<QueryContext, 'cloud' | 'caller'>,
): Promise<Json> {
  try {
    return (await cloud.call(caller, 'glue', 'GetTable', { DatabaseName: database, Name: name })).Table;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.code === 'EntityNotFoundException') {
      throw new QueryFailure(`TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.${database}.${name}' does not exist`);
    }
    throw new QueryFailure(`${error.code}: ${error.message}`);
  }
}

interface View {
  readonly sql: string;
  readonly database: string | undefined;
}

/** A view's definition is JSON in base64, in a comment. */
function viewOf(table: Json): View | undefined {
  if (table.TableType !== 'VIRTUAL_VIEW') return undefined;
  const encoded = /\/\* Presto View: ([A-Za-z0-9+/=]+) \*\//.exec(table.ViewOriginalText ?? '')?.[1];
  if (encoded === undefined) throw new QueryFailure(`INVALID_VIEW: the view ${table.Name} has no Presto definition`);
  const { originalSql, schema } = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  return { sql: originalSql, database: schema };
}

/** The files are read past S3's door, so whether the caller may is asked first. */
async function checkReadable(table: Json, { cloud, caller, s3 }: QueryContext): Promise<void> {
  const [, Bucket, Prefix] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(table.StorageDescriptor?.Location ?? '') ?? [];
  if (Bucket === undefined) return;
  try {
    await cloud.call(caller, 's3', 'ListObjectsV2', { Bucket, Prefix, MaxKeys: 1 });
    const first = s3.filesBelow(Bucket, Prefix ?? '')[0];
    if (first !== undefined) await cloud.call(caller, 's3', 'HeadObject', { Bucket, Key: first.key });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new QueryFailure(
      `PERMISSION_DENIED: ${error.message} (${error.code} on ${table.StorageDescriptor.Location})`,
    );
  }
}

/** What a list names may lie elsewhere than the list. */
async function checkLinked(
  { bucket: Bucket, key: Key }: { readonly bucket: string; readonly key: string },
  { cloud, caller }: QueryContext,
): Promise<void> {
  try {
    await cloud.call(caller, 's3', 'HeadObject', { Bucket, Key });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new QueryFailure(`PERMISSION_DENIED: ${error.message} (${error.code} on s3://${Bucket}/${Key})`);
  }
}

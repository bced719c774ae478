import type { Json } from '../cloud.ts';
import { callGlue, databaseOf } from './catalog.ts';
import { createView } from './create-view.ts';
import type { CsvRow } from './csv.ts';
import { QueryFailure } from './errors.ts';
import { parseLocation, putObject } from './output.ts';
import { findTable, type QueryContext } from './relations.ts';
import type { ResultColumn } from './result-format.ts';
import { prepareSelect, runToCsv } from './run-select.ts';
import { createTableAs, unload } from './run-write.ts';
import type { Statement } from './statement.ts';

/** What became of a query. */
export interface Outcome {
  readonly columns: readonly ResultColumn[];
  readonly scannedBytes: number;
  /** Does the result file begin with the columns' names? */
  readonly header: boolean;
  readonly outputLocation: string;
  readonly manifestLocation?: string;
  readonly updateCount?: number;
}

export interface RunOptions {
  readonly queryId: string;
  readonly parameters: readonly string[];
  readonly outputLocation: string;
  readonly cutoffBytes: number | undefined;
  readonly scratchDir: string;
}

/** Runs one statement to its end: files written, result stored. */
export async function runStatement(statement: Statement, options: RunOptions, context: QueryContext): Promise<Outcome> {
  const output = parseLocation(options.outputLocation);
  const { queryId } = options;
  const address = (name: string) => `s3://${output.bucket}/${output.prefix}${name}`;
  const store = async (name: string, body: Buffer) => {
    await putObject(context, output.bucket, `${output.prefix}${name}`, body);
  };
  const prepare = (sql: string) => prepareSelect(sql, options, context);

  switch (statement.kind) {
    case 'select': {
      const prepared = await prepare(statement.sql);
      const { body, columns } = await runToCsv(prepared, { scratchDir: options.scratchDir, name: queryId }, context);
      await store(`${queryId}.csv`, body);
      await store(`${queryId}.csv.metadata`, metadataFile(columns));
      return { columns, scannedBytes: prepared.scannedBytes, header: true, outputLocation: address(`${queryId}.csv`) };
    }
    case 'unload': {
      const prepared = await prepare(statement.sql);
      const written = await unload(statement, prepared, { ...options, output }, context);
      return await finishWrite(written, prepared.scannedBytes);
    }
    case 'createTable': {
      const database = databaseOf(statement.name, context);
      if (await exists(statement.name.table, database, context)) {
        if (statement.ifNotExists) return await finishText([], [], 0);
        const name = `${database}.${statement.name.table}`;
        throw new QueryFailure(`TABLE_ALREADY_EXISTS: line 1:1: Destination table '${name}' already exists`);
      }
      const prepared = await prepare(statement.sql);
      const written = await createTableAs(statement, prepared, { ...options, output }, context);
      return await finishWrite(written, prepared.scannedBytes);
    }
    case 'createView': {
      const prepared = await prepareSelect(statement.sql, { ...options, cutoffBytes: undefined }, context);
      await createView(statement, prepared.columns, context);
      return await finishText([], [], 0);
    }
    case 'createDatabase':
    case 'dropDatabase':
      await changeDatabase(statement, context);
      return await finishText([], [], 0);
    case 'drop':
      await drop(statement, context);
      return await finishText([], [], 0);
    case 'showTables': {
      const database = databaseOf({ database: statement.database, table: '' }, context);
      const { TableList } = await callGlue(context, 'GetTables', { DatabaseName: database });
      const pattern =
        statement.like === undefined ? /^/ : new RegExp(`^(${statement.like.replaceAll('*', '.*')})$`, 'i');
      const names = TableList.map((table: Json) => table.Name).filter((name: string) => pattern.test(name));
      return await finishText(
        [column('tab_name')],
        names.sort().map((name: string) => [name]),
        0,
      );
    }
    case 'showDatabases': {
      const { DatabaseList } = await callGlue(context, 'GetDatabases', {});
      return await finishText([column('database_name')], DatabaseList.map((one: Json) => [one.Name]).sort(), 0);
    }
    case 'describe':
    case 'showColumns': {
      const table = await findTable(databaseOf(statement.name, context), statement.name.table, context);
      const all: Json[] = [...(table.StorageDescriptor?.Columns ?? []), ...(table.PartitionKeys ?? [])];
      if (statement.kind === 'showColumns')
        return await finishText(
          [column('field')],
          all.map((one) => [one.Name]),
          0,
        );
      const line = (one: Json) => [
        `${one.Name.padEnd(20)}\t${(one.Type ?? '').padEnd(20)}\t${(one.Comment ?? '').padEnd(20)}`,
      ];
      return await finishText([column('col_name'), column('data_type'), column('comment')], all.map(line), 0);
    }
  }

  async function finishWrite(written: { addresses: string[]; rows: number }, scannedBytes: number): Promise<Outcome> {
    const manifest = `${queryId}-manifest.csv`;
    await store(manifest, Buffer.from(written.addresses.map((one) => `${one}\n`).join('')));
    await store(`${queryId}.metadata`, metadataFile([]));
    return {
      columns: [column('rows', 'bigint')],
      scannedBytes,
      header: false,
      outputLocation: address(queryId),
      manifestLocation: address(manifest),
      updateCount: written.rows,
    };
  }

  async function finishText(
    columns: readonly ResultColumn[],
    rows: readonly CsvRow[],
    scannedBytes: number,
  ): Promise<Outcome> {
    await store(`${queryId}.txt`, Buffer.from(rows.map((row) => `${row.join('\t')}\n`).join('')));
    await store(`${queryId}.txt.metadata`, metadataFile(columns));
    return { columns, scannedBytes, header: false, outputLocation: address(`${queryId}.txt`) };
  }
}

async function exists(table: string, database: string, context: QueryContext): Promise<boolean> {
  try {
    await findTable(database, table, context);
    return true;
  } catch (error) {
    if (error instanceof QueryFailure && error.message.startsWith('TABLE_NOT_FOUND')) return false;
    throw error;
  }
}

async function changeDatabase(
  statement: Statement & { kind: 'createDatabase' | 'dropDatabase' },
  context: QueryContext,
): Promise<void> {
  const Name = statement.database.toLowerCase();
  const { DatabaseList } = await callGlue(context, 'GetDatabases', {});
  const isThere = DatabaseList.some((one: Json) => one.Name === Name);
  if (statement.kind === 'createDatabase') {
    if (isThere && statement.ifNotExists) return;
    const { comment: Description, location: LocationUri } = statement;
    await callGlue(context, 'CreateDatabase', {
      DatabaseInput: {
        Name,
        ...(Description !== undefined && { Description }),
        ...(LocationUri !== undefined && { LocationUri }),
      },
    });
    return;
  }
  if (!isThere && statement.ifExists) return;
  // "RESTRICT … the default … If the database isn't empty, the operation fails"; CASCADE drops the tables with it.
  if (isThere && !statement.cascade) {
    const { TableList } = await callGlue(context, 'GetTables', { DatabaseName: Name });
    if (TableList.length > 0)
      throw new QueryFailure(
        `InvalidOperationException(message:Database ${Name} is not empty. One or more tables exist.)`,
      );
  }
  await callGlue(context, 'DeleteDatabase', { Name });
}

async function drop(statement: Statement & { kind: 'drop' }, context: QueryContext): Promise<void> {
  const database = databaseOf(statement.name, context);
  const { table } = statement.name;
  if (!(await exists(table, database, context))) {
    if (statement.ifExists) return;
    throw new QueryFailure(`TABLE_NOT_FOUND: line 1:1: ${statement.what} '${database}.${table}' does not exist`);
  }
  const found = await findTable(database, table, context);
  const isView = found.TableType === 'VIRTUAL_VIEW';
  if (isView !== (statement.what === 'VIEW')) {
    throw new QueryFailure(`SYNTAX_ERROR: '${database}.${table}' is a ${isView ? 'view' : 'table'}`);
  }
  await callGlue(context, 'DeleteTable', { DatabaseName: database, Name: table });
}

const column = (name: string, type = 'string'): ResultColumn => ({ name, type, precision: 0, scale: 0 });

/** AWS writes a binary of its own here; the columns as JSON stand in for it. */
const metadataFile = (columns: readonly ResultColumn[]) => Buffer.from(JSON.stringify({ columns }));

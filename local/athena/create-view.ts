import { ServiceError } from '../cloud.ts';
import { callGlue, databaseOf } from './catalog.ts';
import { glueType, prestoType } from './column-types.ts';
import { QueryFailure } from './errors.ts';
import type { QueryContext } from './relations.ts';
import type { Prepared } from './run-select.ts';
import type { Statement } from './statement.ts';

/** CREATE [OR REPLACE] VIEW: as the console does it, with the query in base64. */
export async function createView(
  statement: Statement & { kind: 'createView' },
  columns: Prepared['columns'],
  context: QueryContext,
): Promise<void> {
  const database = databaseOf(statement.name, context);
  const described = columns.map(({ name, type }) => ({ name, type: prestoType(type) }));
  const definition = {
    originalSql: statement.sql,
    catalog: 'awsdatacatalog',
    schema: context.database ?? database,
    columns: described,
  };
  const TableInput = {
    Name: statement.name.table,
    TableType: 'VIRTUAL_VIEW',
    Parameters: { presto_view: 'true', comment: 'Presto View' },
    ViewOriginalText: `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString('base64')} */`,
    ViewExpandedText: '/* Presto View */',
    StorageDescriptor: {
      Columns: columns.map(({ name, type }) => ({ Name: name.toLowerCase(), Type: glueType(type) })),
    },
  };
  try {
    await context.cloud.call(context.caller, 'glue', 'CreateTable', { DatabaseName: database, TableInput });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.code === 'AlreadyExistsException' && statement.orReplace) {
      await callGlue(context, 'UpdateTable', { DatabaseName: database, TableInput });
      return;
    }
    throw new QueryFailure(
      error.code === 'AlreadyExistsException'
        ? `TABLE_ALREADY_EXISTS: line 1:1: View '${database}.${statement.name.table}' already exists`
        : `${error.code}: ${error.message}`,
    );
  }
}

import { type Json, ServiceError } from '../cloud.ts';
import { QueryFailure } from './errors.ts';
import type { QueryContext } from './relations.ts';
import type { Name } from './statement.ts';

/** The database that a name means. */
export function databaseOf(name: Name, context: Pick<QueryContext, 'database'>): string {
  const database = name.database ?? context.database;
  if (database === undefined)
    throw new QueryFailure('MISSING_SCHEMA_NAME: line 1:1: Schema must be specified when session schema is not set');
  return database;
}

/** Glue's refusals fail the query. */
export async function callGlue(context: QueryContext, operation: string, input: Json): Promise<Json> {
  try {
    return await context.cloud.call(context.caller, 'glue', operation, input);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new QueryFailure(`${error.code}: ${error.message}`);
  }
}

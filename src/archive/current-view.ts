import './compaction-errors.ts';
import { DaybookError } from '../errors.ts';
import { CURRENT_VIEW, GENERATION_PARAMETER, NO_GENERATION, SWITCHED_PARAMETER } from './generation.ts';

/** A view as Athena keeps it in Glue. */
export interface ViewDefinition {
  readonly originalSql: string;
  readonly catalog: string;
  readonly schema: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** The text that Glue has of a view: its definition as JSON in base64. */
export function viewText(definition: ViewDefinition): string {
  return `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString('base64')} */`;
}

/** The columns that the view `events_current` has beside those of an event. */
export const KIND_COLUMN = 'kind';
export const RUN_COLUMNS = ['first_version', 'last_version'] as const;

/**
 * Both that there is of one generation, in one view so that one step switches both: its events, `kind` = 'event', and which
 * versions of which aggregates these are, in runs, `kind` = 'versions'. A generation's id is a literal, as an injected partition
 * key asks for; a condition on `kind` leaves one of the tables unread.
 */
export function currentViewSql(columns: readonly string[], generation: string): string {
  const ofKey = ['aggregate_uuid', 'bucket'];
  const noRun = RUN_COLUMNS.map((name) => `CAST(NULL AS bigint) AS ${name}`);
  const noEvent = columns.map((name) => (ofKey.includes(name) ? name : `NULL AS ${name}`));
  return [
    `SELECT CAST('event' AS varchar) AS ${KIND_COLUMN}, ${[...columns, ...noRun].join(', ')}`,
    `FROM events_compacted WHERE generation = '${generation}'`,
    'UNION ALL',
    `SELECT CAST('versions' AS varchar) AS ${KIND_COLUMN}, ${[...noEvent, ...RUN_COLUMNS].join(', ')}`,
    `FROM compacted_keys WHERE generation = '${generation}'`,
  ].join(' ');
}

/** What Glue's GetTable says of the view, as far as the switch needs it. */
export interface GlueTable {
  readonly Name?: string;
  readonly VersionId?: string;
  readonly ViewOriginalText?: string;
  readonly Parameters?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

/** The members of a table that UpdateTable takes. https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html */
const TABLE_INPUT = [
  'Name',
  'Description',
  'Owner',
  'Retention',
  'StorageDescriptor',
  'PartitionKeys',
  'TableType',
  'ViewExpandedText',
];

/** Which generation does this table of the view show? */
export const generationOf = (table: GlueTable): string => table.Parameters?.[GENERATION_PARAMETER] ?? NO_GENERATION;

/** When was it switched to? Undefined before the first switch. */
export const switchedAt = (table: GlueTable): string | undefined => table.Parameters?.[SWITCHED_PARAMETER];

/**
 * Which generation queries see: the one that the parameter names, and that the view's own text reads. Where they differ, queries see
 * another than compactions build upon, and what one of them needs is deleted by the other.
 *
 * @throws `archive.notTheView`, `archive.viewDiffers`
 */
export function shownGeneration(table: GlueTable): string {
  const generation = generationOf(table);
  const { originalSql, columns } = definitionOf(table);
  if (originalSql === currentViewSql(eventColumns(columns), generation)) return generation;
  const ids = [...new Set([...originalSql.matchAll(/generation = '([^']*)'/g)].map(([, id]) => id!))];
  const read = ids.length === 1 && ids[0] === generation ? 'that in another way' : ids.join(' and ') || 'none';
  throw new DaybookError('archive.viewDiffers', { view: CURRENT_VIEW, generation, read });
}

/** The view's table with another generation in it: the input of the one UpdateTable that switches every reader. */
export function switchedView(table: GlueTable, generation: string, at: string): Record<string, unknown> {
  const definition = definitionOf(table);
  const originalSql = currentViewSql(eventColumns(definition.columns), generation);
  const kept = Object.entries(table).filter(([member, value]) => TABLE_INPUT.includes(member) && value !== undefined);
  return {
    ...Object.fromEntries(kept),
    ViewOriginalText: viewText({ ...definition, originalSql }),
    Parameters: { ...table.Parameters, [GENERATION_PARAMETER]: generation, [SWITCHED_PARAMETER]: at },
  };
}

function definitionOf(table: GlueTable): ViewDefinition {
  const encoded = /\/\* Presto View: ([A-Za-z0-9+/=]+) \*\//.exec(table.ViewOriginalText ?? '')?.[1];
  if (encoded === undefined || table.Name !== CURRENT_VIEW) {
    throw new DaybookError('archive.notTheView', { view: CURRENT_VIEW, given: table.Name ?? 'nothing' });
  }
  return JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
}

/** The view's columns that are an event's. */
function eventColumns(columns: ViewDefinition['columns']): readonly string[] {
  const own: readonly string[] = [KIND_COLUMN, ...RUN_COLUMNS];
  return columns.map(({ name }) => name).filter((name) => !own.includes(name));
}

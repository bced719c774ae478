import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { type CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { viewText } from '../../src/archive/current-view.ts';
import type { Column, View } from '../../src/archive/event-views.ts';
import type { TypedColumn } from '../../src/archive/typed-columns.ts';
import { packageRoot } from './function-code.ts';
import { parquetFiles } from './parquet-files.ts';

export type { Column } from '../../src/archive/event-views.ts';

interface Property {
  readonly type: 'string' | 'integer';
  readonly description: string;
  readonly maximum?: number;
  readonly pattern?: string;
}

/** What is below this is an `int` of Hive, else a `bigint`. */
const LARGEST_INT = 2 ** 31 - 1;

let columns: readonly Column[] | undefined;

/** One row per event: the columns that `schemas/archive-row.json` describes, in its order. */
export function archiveColumns(): readonly Column[] {
  if (columns === undefined) {
    const schema = JSON.parse(readFileSync(join(packageRoot, 'schemas/archive-row.json'), 'utf8'));
    const properties = Object.entries(schema.properties as Record<string, Property>);
    columns = properties.map(([name, property]) => ({ name, type: hiveType(property), comment: property.description }));
  }
  return columns;
}

function hiveType({ type, maximum = Number.POSITIVE_INFINITY, pattern }: Property): string {
  if (type === 'integer') return maximum <= LARGEST_INT ? 'int' : 'bigint';
  return pattern === undefined ? 'string' : 'timestamp'; // the only texts with a pattern are times
}

/** The partitions of `events_raw`. */
export const PARTITIONS: readonly Column[] = [
  { name: 'day', type: 'string', comment: 'The day on which it arrived in the archive, UTC' },
  { name: 'bucket', type: 'string', comment: 'The first hex digit of md5(aggregate_uuid)' },
];

/** What the view `events` shows of each event. */
export function eventColumns(): readonly Column[] {
  return [...archiveColumns(), ...PARTITIONS];
}

export interface ArchiveTableProps {
  readonly database: CfnDatabase;
  readonly databaseName: string;
  readonly bucket: Bucket;
}

/** What Firehose writes, as it was delivered; partition projection finds its days and buckets, no crawler does. */
export function rawTable(scope: Construct, { database, databaseName, bucket }: ArchiveTableProps): CfnTable {
  const location = `s3://${bucket.bucketName}/events/`;
  const table = new CfnTable(scope, 'EventsRaw', {
    catalogId: Stack.of(scope).account,
    databaseName,
    tableInput: {
      name: 'events_raw',
      description: 'One row per delivered event; an event may stand in it more than once: query the view `events`',
      tableType: 'EXTERNAL_TABLE',
      parameters: {
        classification: 'parquet',
        'projection.enabled': 'true',
        'projection.day.type': 'date',
        'projection.day.format': 'yyyy-MM-dd',
        'projection.day.range': '2026-01-01,NOW+1DAYS',
        'projection.bucket.type': 'enum',
        'projection.bucket.values': [...'0123456789abcdef'].join(','),
        'storage.location.template': `${location}day=\${day}/bucket=\${bucket}/`,
      },
      partitionKeys: PARTITIONS.map(inGlue),
      storageDescriptor: parquetFiles(location, archiveColumns().map(inGlue)),
    },
  });
  table.addResourceDependency(database);
  return table;
}

/** A view as Athena keeps it in Glue; `over` are the tables and views that it reads. */
export function viewTable(
  scope: Construct,
  id: string,
  databaseName: string,
  view: View,
  over: readonly CfnTable[],
): CfnTable {
  const table = new CfnTable(scope, id, {
    catalogId: Stack.of(scope).account,
    databaseName,
    tableInput: {
      name: view.name,
      description: oneLine(view.description, 2048),
      tableType: 'VIRTUAL_VIEW',
      parameters: { presto_view: 'true', comment: 'Presto View' },
      viewOriginalText: textOf(view, databaseName),
      viewExpandedText: '/* Presto View */',
      storageDescriptor: { columns: view.columns.map(inGlue) },
    },
  });
  for (const each of over) table.addResourceDependency(each);
  return table;
}

/** What Athena reads of a view: its SQL, and the types of its columns as Trino calls them, which must be those of the SQL. */
export function textOf({ sql, columns }: View, databaseName: string): string {
  return viewText({
    originalSql: sql,
    catalog: 'awsdatacatalog',
    schema: databaseName,
    columns: columns.map(({ name, type }) => ({ name, type: prestoType(type) })),
  });
}

export const prestoType = (type: string): string =>
  ({ string: 'varchar', int: 'integer', timestamp: 'timestamp(3)' })[type] ?? type;

/** A typed column as Glue describes it. */
export function typedInGlue({ column, type, eventType, path, description }: TypedColumn): Column {
  const comment = `${eventType}: ${description ?? path.join('.')}`;
  return inGlue({ name: column, type: type === 'varchar' ? 'string' : type, comment });
}

/** "Comment – … not more than 255 bytes long, matching the single-line string pattern" (Glue's Column). */
function inGlue({ name, type, comment }: Column): Column {
  return { name, type, comment: oneLine(comment, 255) };
}

function oneLine(text: string, bytes: number): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  if (Buffer.byteLength(line) <= bytes) return line;
  let cut = line.slice(0, bytes);
  while (Buffer.byteLength(cut) > bytes - 3) cut = [...cut].slice(0, -1).join('');
  return `${cut}…`;
}

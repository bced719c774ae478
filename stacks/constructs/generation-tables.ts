import { Stack } from 'aws-cdk-lib';
import { type CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { currentViewSql, KIND_COLUMN, RUN_COLUMNS, viewText } from '../../src/archive/current-view.ts';
import {
  CURRENT_VIEW,
  GENERATION_PARAMETER,
  GENERATIONS_PREFIX,
  NO_GENERATION,
  TYPED_COLUMNS_PARAMETER,
} from '../../src/archive/generation.ts';
import type { TypedColumn } from '../../src/archive/typed-columns.ts';
import { archiveColumns, type Column, prestoType, typedInGlue } from './archive-tables.ts';
import { PARQUET_SERDE } from './parquet-files.ts';

export interface GenerationTablesProps {
  readonly database: CfnDatabase;
  readonly databaseName: string;
  readonly bucket: Bucket;
  /** Columns beside the archive's own: declared fields with their types. */
  readonly typed?: readonly TypedColumn[];
}

/** What a compacted row has: the archive's columns and its arrival day, which is no partition here. */
export function compactedColumns(): readonly Column[] {
  return [
    ...archiveColumns(),
    { name: 'day', type: 'string', comment: 'The day on which it arrived in the archive, UTC' },
  ];
}

const BUCKET: Column = { name: 'bucket', type: 'string', comment: 'The first hex digit of md5(aggregate_uuid)' };
const RUNS: readonly Column[] = RUN_COLUMNS.map((name) => ({
  name,
  type: 'bigint',
  comment: `Of a run of versions without a hole the ${name.split('_')[0]}`,
}));

/**
 * Every generation that is kept, read by lists of files, so that generations share the files that did not change. AWS reads
 * S3 Inventory by such a table: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-athena-query.html
 */
export function compactedTable(scope: Construct, props: GenerationTablesProps): CfnTable {
  const location = `s3://${props.bucket.bucketName}/${GENERATIONS_PREFIX}`;
  const table = new CfnTable(scope, 'EventsCompacted', {
    catalogId: Stack.of(scope).account,
    databaseName: props.databaseName,
    tableInput: {
      name: 'events_compacted',
      description: 'Compacted events by generation: query the view `events`',
      parameters: {
        ...parameters(`${location}\${generation}/bucket=\${bucket}/`),
        // A compaction reads here which columns it makes: the table and the files cannot differ.
        [TYPED_COLUMNS_PARAMETER]: JSON.stringify(props.typed ?? []),
      },
      ...listed(location, [...compactedColumns(), ...(props.typed ?? []).map(typedInGlue)]),
    },
  });
  table.addResourceDependency(props.database);
  return table;
}

/** Which versions of which aggregates each generation holds: what `events` compares raw rows with. */
export function keysTable(scope: Construct, props: GenerationTablesProps): CfnTable {
  const location = `s3://${props.bucket.bucketName}/${GENERATIONS_PREFIX}`;
  const table = new CfnTable(scope, 'CompactedKeys', {
    catalogId: Stack.of(scope).account,
    databaseName: props.databaseName,
    tableInput: {
      name: 'compacted_keys',
      description: 'Which versions of which aggregates are compacted, by generation: a row for each run without a hole',
      parameters: parameters(`${location}\${generation}/keys/bucket=\${bucket}/`),
      ...listed(location, [archiveColumns().find(({ name }) => name === 'aggregate_uuid')!, ...RUNS]),
    },
  });
  table.addResourceDependency(props.database);
  return table;
}

const parameters = (template: string): Readonly<Record<string, string>> => ({
  classification: 'parquet',
  'projection.enabled': 'true',
  'projection.generation.type': 'injected',
  'projection.bucket.type': 'enum',
  'projection.bucket.values': [...'0123456789abcdef'].join(','),
  'storage.location.template': template,
});

const listed = (location: string, columns: readonly Column[]) => ({
  tableType: 'EXTERNAL_TABLE',
  partitionKeys: [
    { name: 'generation', type: 'string', comment: 'The set of files, made by one compaction' },
    { ...BUCKET },
  ],
  storageDescriptor: {
    columns: columns.map((column) => ({ ...column })),
    location,
    inputFormat: 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat',
    serdeInfo: PARQUET_SERDE,
  },
});

/**
 * The current generation: made once with an empty one. A compaction switches it by one UpdateTable; nothing here may differ
 * between two deployments of one version of this library, for a template that changed would set it back.
 */
export function currentView(scope: Construct, props: GenerationTablesProps, over: readonly CfnTable[]): CfnTable {
  const events = [...compactedColumns(), BUCKET];
  const kind: Column = {
    name: KIND_COLUMN,
    type: 'string',
    comment: "'event', or 'versions': a run of an aggregate’s",
  };
  const columns = [kind, ...events, ...RUNS];
  const table = new CfnTable(scope, 'EventsCurrent', {
    catalogId: Stack.of(scope).account,
    databaseName: props.databaseName,
    tableInput: {
      name: CURRENT_VIEW,
      description:
        'What the view `events` reads of the current generation: events, and which versions these are. Query `events`',
      tableType: 'VIRTUAL_VIEW',
      parameters: { presto_view: 'true', comment: 'Presto View', [GENERATION_PARAMETER]: NO_GENERATION },
      viewOriginalText: viewText({
        originalSql: currentViewSql(
          events.map(({ name }) => name),
          NO_GENERATION,
        ),
        catalog: 'awsdatacatalog',
        schema: props.databaseName,
        columns: columns.map(({ name, type }) => ({ name, type: prestoType(type) })),
      }),
      viewExpandedText: '/* Presto View */',
      storageDescriptor: { columns: columns.map((column) => ({ ...column })) },
    },
  });
  for (const each of over) table.addResourceDependency(each);
  return table;
}

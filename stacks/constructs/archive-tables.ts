/** A column of the archive, as Glue describes it. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

/** One row per event. */
export function archiveColumns(): readonly Column[] {
  return [
    { name: 'aggregate_uuid', type: 'string', comment: 'The aggregate' },
    { name: 'aggregate_type', type: 'string', comment: "The aggregate's type" },
    { name: 'version', type: 'bigint', comment: '1, 2, 3 ... without holes, per aggregate; the order of its events' },
    { name: 'type', type: 'string', comment: "The event's type, in the past tense" },
    { name: 'schema_version', type: 'int', comment: "The version of the event's schema" },
    { name: 'commit_id', type: 'string', comment: 'The append that wrote it' },
    { name: 'commit_first', type: 'bigint', comment: 'The first version of that append in this aggregate' },
    { name: 'commit_last', type: 'bigint', comment: 'The last version of that append in this aggregate' },
    { name: 'recorded_at', type: 'timestamp', comment: 'When the store took it, UTC, milliseconds' },
    { name: 'occurred_at', type: 'timestamp', comment: 'When it happened in the domain, UTC, milliseconds' },
    { name: 'data', type: 'string', comment: 'JSON text' },
    { name: 'metadata', type: 'string', comment: 'JSON text' },
  ];
}

/** The view `events`: delivery is at least once, so each (aggregate, version) is taken once. */
export function eventsView(database: string): {
  readonly text: string;
  readonly columns: readonly Column[];
  readonly sql: string;
} {
  const columns: Column[] = [
    ...archiveColumns(),
    { name: 'day', type: 'string', comment: 'The day on which it arrived in the archive, UTC' },
    { name: 'bucket', type: 'string', comment: 'The first hex digit of md5(aggregate_uuid)' },
  ];
  const names = columns.map((column) => column.name).join(', ');
  const sql =
    `SELECT ${names} FROM (SELECT ${names}, row_number() OVER (PARTITION BY bucket, aggregate_uuid, version ORDER BY day) AS copy ` +
    'FROM events_raw) WHERE copy = 1';
  const definition = {
    originalSql: sql,
    catalog: 'awsdatacatalog',
    schema: database,
    columns: columns.map(({ name, type }) => ({ name, type: prestoType(type) })),
  };
  return { sql, columns, text: `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString('base64')} */` };
}

const prestoType = (type: string): string =>
  ({ string: 'varchar', int: 'integer', timestamp: 'timestamp(3)' })[type] ?? type;

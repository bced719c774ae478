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

export interface SavedQuery {
  readonly name: string;
  readonly description: string;
  /** `?` stand for the parameters, in the order that the description names. */
  readonly sql: string;
}

/** The questions that people have. The bucket expression makes Athena read one sixteenth. */
export function savedQueries(): readonly SavedQuery[] {
  const bucketOf = (parameter: string) => `substr(lower(to_hex(md5(to_utf8(${parameter})))), 1, 1)`;
  return [
    {
      name: 'history-of-aggregate',
      description: "An aggregate's events [a..b], in order. Parameters: aggregate, aggregate, a, b.",
      sql:
        'SELECT version, type, occurred_at, recorded_at, data, metadata FROM events\n' +
        `WHERE bucket = ${bucketOf('?')} AND aggregate_uuid = ? AND version BETWEEN ? AND ?\nORDER BY version`,
    },
    {
      name: 'when-did-it-happen',
      description: 'When did x happen to aggregate y? Parameters: aggregate, aggregate, event type.',
      sql:
        'SELECT version, occurred_at, recorded_at, data FROM events\n' +
        `WHERE bucket = ${bucketOf('?')} AND aggregate_uuid = ? AND type = ?\nORDER BY version`,
    },
    {
      name: 'events-per-type-and-day',
      description: 'How many events of each type occurred on each day. Parameters: first day, last day.',
      sql:
        'SELECT date(occurred_at) AS occurred_on, type, count(*) AS events FROM events\n' +
        'WHERE date(occurred_at) BETWEEN date(?) AND date(?)\nGROUP BY 1, 2\nORDER BY 1, 2',
    },
    {
      name: 'holes',
      description:
        'Aggregates whose versions are not 1..n in the archive (it must be empty once delivery has caught up). No parameters.',
      sql:
        'SELECT aggregate_uuid, max(version) AS last_version, count(*) AS events FROM events\n' +
        'GROUP BY aggregate_uuid\nHAVING count(*) <> max(version) OR min(version) <> 1',
    },
    {
      name: 'how-late-do-events-arrive',
      description: 'Seconds between an event’s occurrence and its recording, by type. No parameters.',
      sql:
        "SELECT type, count(*) AS events, avg(date_diff('second', occurred_at, recorded_at)) AS mean_seconds,\n" +
        "  max(date_diff('second', occurred_at, recorded_at)) AS longest_seconds\nFROM events\nGROUP BY type\nORDER BY type",
    },
  ];
}

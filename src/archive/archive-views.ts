import type { Column, View } from './event-views.ts';

/**
 * `events`, what analysts use: each event once. The rows of the current generation, and of the raw rows those that are not in
 * it. Delivery is at least once, so of copies within a day one is taken, and of days the first. It goes by keys alone: late
 * rows and repeats are right at once, and the raw files may be there still or no more. Which keys the generation has is read of
 * its runs of versions, some for each aggregate, and its rows are read once. A condition on `day` or `bucket` gets
 * through to the partitions; of other days the keys are read, since an earlier copy may lie there.
 */
export function eventsView(columns: readonly Column[]): View {
  const names = columns.map(({ name }) => name);
  const key = ['bucket', 'aggregate_uuid', 'version'];
  const ofRaw = (some: readonly string[]) => some.map((name) => `r.${name}`).join(', ');
  const same = (one: string, other: string) => key.map((name) => `${one}.${name} = ${other}.${name}`).join(' AND ');
  return {
    name: 'events',
    description: 'Each event once',
    columns,
    sql: [
      `SELECT ${names.join(', ')} FROM events_current WHERE kind = 'event'`,
      'UNION ALL',
      `SELECT ${ofRaw(names)} FROM (`,
      `SELECT ${ofRaw(names)}, row_number() OVER (PARTITION BY ${ofRaw(['day', ...key])}) AS copy FROM events_raw r`,
      "LEFT JOIN (SELECT bucket, aggregate_uuid, first_version, last_version FROM events_current WHERE kind = 'versions'",
      'AND aggregate_uuid IN (SELECT aggregate_uuid FROM events_raw)) c',
      'ON r.bucket = c.bucket AND r.aggregate_uuid = c.aggregate_uuid AND r.version BETWEEN c.first_version AND c.last_version',
      'WHERE c.first_version IS NULL) r',
      `JOIN (SELECT ${key.join(', ')}, min(day) AS day FROM events_raw GROUP BY ${key.join(', ')}) f`,
      `ON ${same('r', 'f')} AND r.day = f.day`,
      'WHERE r.copy = 1',
    ].join(' '),
  };
}

const named = (columns: readonly Column[], name: string): Column => columns.find((column) => column.name === name)!;

/** `aggregates`: one row for each, over `events`. */
export function aggregatesView(columns: readonly Column[]): View {
  const first = (of: string, comment: string): Column => ({ ...named(columns, of), name: `first_${of}`, comment });
  const last = (of: string, comment: string): Column => ({ ...named(columns, of), name: `last_${of}`, comment });
  const times = ['recorded_at', 'occurred_at'];
  return {
    name: 'aggregates',
    description: 'One row for each aggregate: its first and last version, their times, how many events',
    columns: [
      ...['aggregate_uuid', 'aggregate_type', 'bucket'].map((name) => named(columns, name)),
      { name: 'events', type: 'bigint', comment: 'How many events are in the archive' },
      first('version', 'The lowest version in the archive: 1, unless something is missing'),
      last('version', 'The highest version in the archive'),
      first('recorded_at', 'When the store took the first'),
      last('recorded_at', 'When the store took the last'),
      first('occurred_at', 'The earliest time at which one of its events happened in the domain'),
      last('occurred_at', 'The latest time at which one of its events happened in the domain'),
    ],
    sql: [
      'SELECT aggregate_uuid, max(aggregate_type) AS aggregate_type, bucket, count(*) AS events,',
      'min(version) AS first_version, max(version) AS last_version,',
      times.map((time) => `min(${time}) AS first_${time}, max(${time}) AS last_${time}`).join(', '),
      'FROM events GROUP BY bucket, aggregate_uuid',
    ].join(' '),
  };
}

/** `holes`: which versions of which aggregates are not there though a later one is. It must be empty once delivery has caught up. */
export function holesView(columns: readonly Column[]): View {
  return {
    name: 'holes',
    description: 'Versions that are missing below an aggregate’s last one, by ranges: it must be empty',
    columns: [
      ...['aggregate_uuid', 'aggregate_type', 'bucket'].map((name) => named(columns, name)),
      { name: 'missing_from', type: 'bigint', comment: 'The first missing version of a range' },
      { name: 'missing_to', type: 'bigint', comment: 'The last missing version of that range' },
    ],
    sql: [
      'SELECT aggregate_uuid, aggregate_type, bucket, previous + 1 AS missing_from, version - 1 AS missing_to',
      'FROM (SELECT aggregate_uuid, aggregate_type, bucket, version, coalesce(lag(version) OVER',
      '(PARTITION BY bucket, aggregate_uuid ORDER BY version), 0) AS previous FROM events)',
      'WHERE version > previous + 1',
    ].join(' '),
  };
}

import type { ExpectedState, Sums } from './history.ts';

// The questions in Athena's SQL, over the view `events`. Each asks for many answers at once: `VALUES` holds the questions.

const LINES = `cast(json_extract_scalar(data, '$.linesAdded') AS bigint) AS added,
  cast(json_extract_scalar(data, '$.linesDeleted') AS bigint) AS deleted`;
const FIELDS = `aggregate_uuid, version, type, occurred_at, ${LINES}, json_extract_scalar(data, '$.path') AS path,
  json_extract_scalar(data, '$.commit') AS commit_hash, json_extract_scalar(data, '$.authorHash') AS author,
  coalesce(json_extract_scalar(data, '$.binary'), 'false') AS is_binary`;
const CHANGES = `WITH changes AS (SELECT ${FIELDS} FROM events)`;
const SUMS = `count(*), count_if(type = 'FileAdded'), count_if(type = 'FileModified'), count_if(type = 'FileRenamed'),
  count_if(type = 'FileDeleted'), coalesce(sum(added), 0), coalesce(sum(deleted), 0)`;
const STATE = `max(version), max_by(type, version), max_by(path, version), ${SUMS}, count(DISTINCT author),
  max_by(commit_hash, version), max_by(occurred_at, version)`;

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
const time = (iso: string) => `timestamp '${iso.replace('T', ' ').replace('Z', '')}'`;
const values = (rows: readonly (readonly string[])[]) => rows.map((row) => `(${row.join(', ')})`).join(', ');

export const EVERY_EVENT = `${CHANGES} SELECT aggregate_uuid, version, type FROM changes ORDER BY aggregate_uuid, version`;

export const TOTALS = `${CHANGES} SELECT ${SUMS} FROM changes`;

export const AGGREGATES = `${CHANGES}
  SELECT aggregate_uuid, count(*), max(version), min_by(type, version), max_by(type, version) FROM changes GROUP BY 1`;

export const TIMES = `${CHANGES}
  SELECT min(occurred_at), max(occurred_at), count(DISTINCT occurred_at) FROM changes`;

/** States after version `k` of an aggregate. */
export function statesAfter(points: readonly { readonly aggregateUuid: string; readonly k: number }[]): string {
  const rows = points.map(({ aggregateUuid, k }) => [text(aggregateUuid), String(k)]);
  return `${CHANGES} SELECT q.id, q.k, ${STATE}
    FROM (VALUES ${values(rows)}) AS q(id, k) JOIN changes ON aggregate_uuid = q.id AND version <= q.k GROUP BY 1, 2`;
}

/** States of aggregates as of a time. */
export function statesAsOf(points: readonly { readonly aggregateUuid: string; readonly at: string }[]): string {
  const rows = points.map(({ aggregateUuid, at }) => [text(aggregateUuid), text(at), time(at)]);
  return `${CHANGES} SELECT q.id, q.at, ${STATE} FROM (VALUES ${values(rows)}) AS q(id, at, until)
    JOIN changes ON aggregate_uuid = q.id AND occurred_at <= q.until GROUP BY 1, 2`;
}

/** Sums of the versions [a..b] alone. */
export function sumsOfRanges(
  ranges: readonly { readonly aggregateUuid: string; readonly a: number; readonly b: number }[],
): string {
  const rows = ranges.map(({ aggregateUuid, a, b }) => [text(aggregateUuid), String(a), String(b)]);
  return `${CHANGES} SELECT q.id, q.a, q.b, ${SUMS} FROM (VALUES ${values(rows)}) AS q(id, a, b)
    JOIN changes ON aggregate_uuid = q.id AND version BETWEEN q.a AND q.b GROUP BY 1, 2, 3`;
}

type Times = readonly { readonly from: string; readonly to: string }[];
const timesOf = (ranges: Times) => values(ranges.map(({ from, to }, i) => [String(i), time(from), time(to)]));

export const sumsOfTimes = (ranges: Times) => `${CHANGES} SELECT q.i, ${SUMS}, count(DISTINCT aggregate_uuid),
    count(DISTINCT commit_hash), count(DISTINCT author), count_if(occurred_at = q.since), count_if(occurred_at = q.until)
  FROM (VALUES ${timesOf(ranges)}) AS q(i, since, until) JOIN changes ON occurred_at BETWEEN q.since AND q.until GROUP BY 1`;

export const authorsOfTimes = (ranges: Times) => `${CHANGES}
  SELECT i, author, events, added, deleted FROM (
    SELECT q.i, author, count(*) AS events, sum(added) AS added, sum(deleted) AS deleted,
      row_number() OVER (PARTITION BY q.i ORDER BY count(*) DESC, author) AS place
    FROM (VALUES ${timesOf(ranges)}) AS q(i, since, until) JOIN changes ON occurred_at BETWEEN q.since AND q.until
    GROUP BY 1, 2)
  WHERE place <= 20 ORDER BY i, place`;

/** What was live after a commit: commits at the same instant are told apart by their names. */
export function trees(
  points: readonly { readonly commit: string; readonly recordedAt: string; readonly notYet: readonly string[] }[],
): string {
  const rows = points.map(({ recordedAt, notYet }, i) => [
    String(i),
    time(recordedAt),
    `ARRAY[${['', ...notYet].map(text).join(', ')}]`,
  ]);
  return `${CHANGES}, files AS (
    SELECT q.i, aggregate_uuid, count(*) AS events, max_by(type, version) AS type, max_by(path, version) AS path,
      sum(added) - sum(deleted) AS lines, bool_or(is_binary = 'true') AS ever_binary
    FROM (VALUES ${values(rows)}) AS q(i, until, not_yet) JOIN changes ON occurred_at <= q.until AND NOT contains(q.not_yet, commit_hash)
    GROUP BY 1, 2)
  SELECT i, sum(events), count_if(type <> 'FileDeleted'),
    lower(to_hex(sha256(to_utf8(array_join(array_agg(path ORDER BY path) FILTER (WHERE type <> 'FileDeleted'), chr(10)) || chr(10))))),
    count_if(type <> 'FileDeleted' AND NOT ever_binary), sum(CASE WHEN type <> 'FileDeleted' AND NOT ever_binary THEN lines ELSE 0 END)
  FROM files GROUP BY 1`;
}

export const CHURN_BY_MONTH = `${CHANGES}
  SELECT substr(to_iso8601(occurred_at), 1, 7), count(*), sum(added), sum(deleted) FROM changes GROUP BY 1 ORDER BY 1`;

/** The first version at which a running sum of the file's lines, or its number of authors, reached something. */
export function reached(aggregateUuid: string, field: 'netLines' | 'authors', atLeast: number): string {
  const running =
    field === 'netLines'
      ? 'sum(added - deleted) OVER (ORDER BY version)'
      : 'sum(CASE WHEN version = first_by_author THEN 1 ELSE 0 END) OVER (ORDER BY version)';
  return `${CHANGES} SELECT version, occurred_at, type, commit_hash FROM (
    SELECT *, ${running} AS reached FROM (
      SELECT *, min(version) OVER (PARTITION BY author) AS first_by_author FROM changes WHERE aggregate_uuid = ${text(aggregateUuid)}))
    WHERE reached >= ${atLeast} ORDER BY version LIMIT 1`;
}

/** The first version of which something is true. */
export function firstWhere(aggregateUuid: string, field: 'path' | 'author', value: string): string {
  return `${CHANGES} SELECT version, occurred_at, type, commit_hash FROM changes
    WHERE aggregate_uuid = ${text(aggregateUuid)} AND ${field} = ${text(value)} ORDER BY version LIMIT 1`;
}

type Row = readonly (string | null)[];

export function toSums(row: Row): Sums {
  const [events = 0, added = 0, modified = 0, renamed = 0, deleted = 0, linesAdded = 0, linesDeleted = 0] = row.map(Number);
  const all = { FileAdded: added, FileDeleted: deleted, FileModified: modified, FileRenamed: renamed };
  const byType = Object.fromEntries(Object.entries(all).filter(([, n]) => n > 0));
  return { events, byType, linesAdded, linesDeleted, netLines: linesAdded - linesDeleted };
}

export function toState(row: Row): ExpectedState {
  const [version, type, path] = row;
  const { byType, linesAdded, linesDeleted, netLines } = toSums(row.slice(3, 10));
  return {
    version: Number(version),
    exists: type !== 'FileDeleted',
    path: path!,
    netLines,
    linesAdded,
    linesDeleted,
    adds: byType.FileAdded ?? 0,
    modifications: byType.FileModified ?? 0,
    renames: byType.FileRenamed ?? 0,
    deletes: byType.FileDeleted ?? 0,
    authors: Number(row[10]),
    lastCommit: row[11]!,
    lastRecordedAt: toIso(row[12]!),
  };
}

/** Athena writes `2022-06-12 20:48:19.000`. */
export const toIso = (text: string) => `${text.replace(' ', 'T')}Z`;

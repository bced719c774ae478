/**
 * A regular expression, for Trino and DuckDB alike, of a time that a column holds: RFC 3339 with any fraction of a second, or
 * only milliseconds. Hour 24 and second 60 are no times of a `timestamp`, and a zone is at most 14 hours away: Trino knows no
 * others, and fails the query for them (https://github.com/trinodb/trino, TimeZoneKey).
 */
export const timePattern = (fraction: string): string =>
  `[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.]${fraction})?` +
  '([Zz]|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))';

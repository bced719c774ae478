import { mendedSql } from '../../src/archive/torn-text.ts';

/** `name(parameters) AS body` for each form of a function that differs by its arguments' types. */
const over = (name: string, parameters: string, types: readonly string[], body: (type: string) => string) =>
  `CREATE MACRO ${name} ${types.map((type) => `AS (${parameters.replace('$', type)}) ${body(type)}`).join(', ')}`
    .replaceAll(/AS (\([^)]*\)) /g, '$1 AS ')
    .replace(/^CREATE MACRO (\w+) \(/, 'CREATE MACRO $1(');

const TIMES = ['DATE', 'TIMESTAMP', 'TIMESTAMPTZ'] as const;
/** What makes a timestamp of a date in DuckDB stays a date in Trino. */
const likewise = (body: string) => (type: string) => (type === 'DATE' ? `CAST(${body} AS DATE)` : body);

const several = (name: string, body: (names: string) => string) =>
  `CREATE MACRO ${name}${[2, 3, 4, 5, 6]
    .map((count) => {
      const names = [...'abcdef'].slice(0, count);
      const nulls = names.map((one) => `${one} IS NULL`).join(' OR ');
      return `(${names.join(', ')}) AS CASE WHEN ${nulls} THEN NULL ELSE ${body(names.join(', '))} END`;
    })
    .join(', ')}`;

/** A division by zero fails in Trino, DuckDB gives null. (`error()` would keep TRY from working.) */
const divide = (operator: string) =>
  `CASE WHEN b = 0 THEN CAST('Division by zero' AS TINYINT) ELSE a ${operator} b END`;

/** Trino's functions where DuckDB has none or another meaning, as DuckDB macros; each name begins with `trino_`. */
export const MACROS: readonly string[] = [
  `CREATE MACRO trino_interval(u, n) AS CASE lower(u)
     WHEN 'millisecond' THEN to_milliseconds(n) WHEN 'second' THEN to_seconds(n) WHEN 'minute' THEN to_minutes(n)
     WHEN 'hour' THEN to_hours(n) WHEN 'day' THEN to_days(CAST(n AS INTEGER)) WHEN 'week' THEN to_weeks(CAST(n AS INTEGER))
     WHEN 'month' THEN to_months(CAST(n AS INTEGER)) WHEN 'quarter' THEN to_months(CAST(n AS INTEGER) * 3)
     WHEN 'year' THEN to_years(CAST(n AS INTEGER)) END`,
  // "Returns timestamp2 - timestamp1 expressed in terms of unit": whole units, where DuckDB's date_diff counts boundaries.
  'CREATE MACRO trino_date_diff(u, a, b) AS date_sub(lower(u), a, b)',
  over('trino_date_add', 'u, n, d $', TIMES, likewise('(d + trino_interval(u, n))')),
  over('trino_plus', 'd $, i', TIMES, likewise('(d + i)')),
  over('trino_minus', 'd $, i', TIMES, likewise('(d - i)')),
  over('trino_date_trunc', 'u, d $', TIMES, likewise('date_trunc(u, d)')),
  `CREATE MACRO trino_div(a, b) AS ${divide('/')}`,
  `CREATE MACRO trino_mod(a, b) AS ${divide('%')}`,
  'CREATE MACRO trino_from_unixtime(x) AS to_timestamp(x)',
  'CREATE MACRO trino_to_unixtime(t) AS CAST(epoch(t) AS DOUBLE)',
  'CREATE MACRO trino_from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMPTZ)',
  'CREATE MACRO trino_from_iso8601_date(s) AS CAST(s AS DATE)',
  `CREATE MACRO trino_to_iso8601(d DATE) AS strftime(d, '%Y-%m-%d'),
     (d TIMESTAMP) AS strftime(d, '%Y-%m-%dT%H:%M:%S.%g'), (d TIMESTAMPTZ) AS strftime(d, '%Y-%m-%dT%H:%M:%S.%gZ')`,
  'CREATE MACRO trino_millisecond(t) AS millisecond(t) % 1000',
  'CREATE MACRO trino_at_timezone(t, z) AS timezone(z, CAST(t AS TIMESTAMPTZ))',
  'CREATE MACRO trino_with_timezone(t, z) AS timezone(z, CAST(t AS TIMESTAMP))',
  // "Returns null if the index is larger than the number of fields"; DuckDB gives an empty text.
  'CREATE MACRO trino_split_part(s, d, i) AS CASE WHEN i > len(string_split(s, d)) THEN NULL ELSE split_part(s, d, i) END',
  `CREATE MACRO trino_regexp_extract(s, p) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END,
     (s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END`,
  String.raw`CREATE MACRO trino_regexp_replace(s, p) AS regexp_replace(s, p, '', 'g'),
     (s, p, r) AS regexp_replace(s, p, regexp_replace(r, '\$([0-9])', '\\\1', 'g'), 'g')`,
  'CREATE MACRO trino_regexp_count(s, p) AS len(regexp_extract_all(s, p))',
  // "Returns NULL" for what is no scalar; invalid JSON is null too, where DuckDB fails.
  // A number is what stands in the text, where DuckDB writes its own: of JavaScript's 1e+21 it makes 1e21.
  // Half of a surrogate pair, which DuckDB refuses, Trino reads; as a text it is a question mark, as Java writes it.
  `CREATE MACRO trino_json_extract_scalar(j, p) AS CASE WHEN json_valid(j) THEN athena_scalar(j, p)
     WHEN contains(j, '\\u') THEN TRY(athena_scalar(athena_mended(j), p)) END`,
  `CREATE MACRO trino_json_extract(j, p) AS CASE WHEN json_valid(j) THEN json_extract(j, p)
     WHEN contains(j, '\\u') THEN TRY(json_extract(athena_mended(j), p)) END`,
  'CREATE MACRO trino_json_parse(s) AS CAST(CASE WHEN json_valid(s) THEN s ELSE coalesce(athena_mended(s), s) END AS JSON)',
  'CREATE MACRO trino_json_format(j) AS CAST(j AS VARCHAR)',
  "CREATE MACRO trino_json_array_get(j, i) AS json_extract(j, '$[' || i || ']')",
  'CREATE MACRO trino_json_array_contains(j, v) AS list_contains(CAST(j AS JSON[]), to_json(v))',
  "CREATE MACRO trino_is_json_scalar(j) AS json_type(j) NOT IN ('OBJECT', 'ARRAY')",
  `CREATE MACRO trino_json_to_varchar(j) AS CASE json_type(j) WHEN 'VARCHAR' THEN json_extract_string(j, '$') WHEN 'NULL' THEN NULL
     ELSE CAST(j AS VARCHAR) END`,
  'CREATE MACRO trino_md5(b) AS unhex(md5(b))',
  'CREATE MACRO trino_sha1(b) AS unhex(sha1(b))',
  'CREATE MACRO trino_sha256(b) AS unhex(sha256(b))',
  several('trino_greatest', (names) => `greatest(${names})`),
  several('trino_least', (names) => `least(${names})`),
  'CREATE MACRO trino_array_join(l, s) AS array_to_string(l, s), (l, s, n) AS array_to_string(list_transform(l, x -> coalesce(CAST(x AS VARCHAR), n)), s)',
  'CREATE MACRO trino_array_position(l, x) AS coalesce(list_position(l, x), 0)',
  'CREATE MACRO trino_slice(l, s, n) AS list_slice(l, s, s + n - 1)',
  `CREATE MACRO trino_sequence(a BIGINT, b BIGINT) AS generate_series(a, b), (a DATE, b DATE) AS CAST(generate_series(a, b, INTERVAL 1 DAY) AS DATE[]),
     (a BIGINT, b BIGINT, s BIGINT) AS generate_series(a, b, s), (a DATE, b DATE, s INTERVAL) AS CAST(generate_series(a, b, s) AS DATE[]),
     (a TIMESTAMP, b TIMESTAMP, s INTERVAL) AS generate_series(a, b, s)`,
  'CREATE MACRO trino_map_agg(k, v) AS map(list(k), list(v))',
  'CREATE MACRO trino_bitwise_and(a, b) AS a & b',
  'CREATE MACRO trino_bitwise_or(a, b) AS a | b',
  'CREATE MACRO trino_bitwise_xor(a, b) AS xor(a, b)',
  "CREATE MACRO trino_url_extract_protocol(u) AS nullif(regexp_extract(u, '^([^:/?#]+):', 1), '')",
  "CREATE MACRO trino_url_extract_host(u) AS nullif(regexp_extract(u, '^[^:/?#]+://([^/?#:]*)', 1), '')",
  "CREATE MACRO trino_url_extract_path(u) AS regexp_extract(u, '^[^:/?#]+://[^/?#]*([^?#]*)', 1)",
  "CREATE MACRO trino_url_extract_query(u) AS regexp_extract(u, '[?]([^#]*)', 1)",
  // How Java writes a double: 1.0, 1.5E10, 1.0E-5.
  `CREATE MACRO athena_double(x) AS CASE
     WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
     WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)
     ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || athena_scientific(CAST(abs(x) AS VARCHAR)) END`,
];

/** These must be there before the ones that use them. */
export const MACROS_FIRST: readonly string[] = [
  `CREATE MACRO athena_mended(d) AS ${mendedSql('d', '?')}`,
  String.raw`CREATE MACRO athena_scalar(j, p) AS CASE WHEN json_type(j, p) IN ('OBJECT', 'ARRAY') THEN NULL
     WHEN json_type(j, p) = 'DOUBLE' THEN regexp_replace(json_extract_string(j, p), 'e([0-9])', 'e+\1') ELSE json_extract_string(j, p) END`,
  `CREATE MACRO athena_mantissa(digits) AS digits[1] || '.' || coalesce(nullif(rtrim(digits[2:], '0'), ''), '0')`,
  `CREATE MACRO athena_scientific(s) AS CASE
     WHEN contains(s, 'e') THEN split_part(s, 'e', 1) || CASE WHEN contains(s, '.') THEN '' ELSE '.0' END || 'E' || CAST(CAST(split_part(s, 'e', 2) AS INTEGER) AS VARCHAR)
     WHEN starts_with(s, '0.') THEN athena_mantissa(ltrim(s[3:], '0')) || 'E-' || CAST(len(s) - 2 - len(ltrim(s[3:], '0')) + 1 AS VARCHAR)
     ELSE athena_mantissa(replace(s, '.', '')) || 'E' || CAST(len(split_part(s, '.', 1)) - 1 AS VARCHAR) END`,
];

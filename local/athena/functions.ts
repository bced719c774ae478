/** Trino's functions that mean the same in DuckDB under the same name. */
const SAME = `abs ceil ceiling floor round sqrt cbrt exp ln log2 log10 power pow sign degrees radians sin cos tan asin acos atan atan2 pi
  length lower upper trim ltrim rtrim lpad rpad replace reverse substr substring strpos position starts_with chr concat_ws translate
  count sum avg min max count_if bool_and bool_or any_value array_agg max_by min_by stddev stddev_samp stddev_pop variance var_samp
  var_pop corr covar_pop covar_samp regr_slope regr_intercept histogram skewness kurtosis
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  date year month day hour minute second quarter week last_day url_encode url_decode json_array_length
  array_distinct array_sort flatten row map map_keys map_values map_entries map_from_entries regexp_extract_all
  to_base64 from_base64 grouping random rand uuid nullif coalesce if unnest greatest least bit_count`;

/** Another name for the same thing. */
const RENAMED: Readonly<Record<string, string>> = {
  arbitrary: 'any_value',
  every: 'bool_and',
  contains: 'list_contains',
  array_max: 'list_max',
  array_min: 'list_min',
  array_sum: 'list_sum',
  transform: 'list_transform',
  filter: 'list_filter',
  split: 'string_split',
  codepoint: 'unicode',
  from_hex: 'unhex',
  to_hex: 'hex',
  to_utf8: 'encode',
  from_utf8: 'decode',
  regexp_like: 'regexp_matches',
  regexp_split: 'string_split_regex',
  day_of_week: 'isodow',
  dow: 'isodow',
  day_of_month: 'day',
  day_of_year: 'dayofyear',
  doy: 'dayofyear',
  year_of_week: 'isoyear',
  yow: 'isoyear',
  week_of_year: 'week',
  last_day_of_month: 'last_day',
  truncate: 'trunc',
  is_nan: 'isnan',
  is_finite: 'isfinite',
  is_infinite: 'isinf',
  levenshtein_distance: 'levenshtein',
  hamming_distance: 'hamming',
  approx_percentile: 'quantile_disc',
  cardinality: 'len',
  json_size: 'json_array_length',
  log: 'log',
  string_agg: 'string_agg',
};

/** What has a macro `trino_<name>`. */
const MACRO = `date_diff date_add date_trunc from_unixtime to_unixtime from_iso8601_timestamp from_iso8601_date to_iso8601 millisecond
  at_timezone with_timezone split_part regexp_extract regexp_replace regexp_count json_extract_scalar json_extract json_parse json_format
  json_array_get json_array_contains is_json_scalar md5 sha1 sha256 greatest least array_join array_position slice sequence map_agg
  bitwise_and bitwise_or bitwise_xor url_extract_protocol url_extract_host url_extract_path url_extract_query mod`;

/** What DuckDB's parser makes of syntax that Trino has too: LIKE, EXTRACT, AT TIME ZONE, ARRAY[…], INTERVAL, count(*). */
const FROM_SYNTAX = `~~ !~~ like_escape not_like_escape date_part list_value count_star to_days to_months to_years to_hours to_minutes
  to_seconds to_weeks to_milliseconds trunc array_extract list_slice struct_extract position + - * / % || timezone list_concat`;

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/** From Trino's name to DuckDB's; a function that is not here does not exist, as in Athena. */
export const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ...words(FROM_SYNTAX).map((name): [string, string] => [name, name]),
  ...words(SAME).map((name): [string, string] => [name, name]),
  ...Object.entries(RENAMED),
  ...words(MACRO).map((name): [string, string] => [name, `trino_${name}`]),
]);

/** MySQL's letters, which date_format and date_parse take, as strftime's. https://trino.io/docs/current/functions/datetime.html */
const MYSQL: Readonly<Record<string, string>> = {
  a: '%a',
  b: '%b',
  c: '%-m',
  d: '%d',
  e: '%-d',
  f: '%f',
  H: '%H',
  h: '%I',
  I: '%I',
  i: '%M',
  j: '%j',
  k: '%-H',
  l: '%-I',
  M: '%B',
  m: '%m',
  p: '%p',
  r: '%I:%M:%S %p',
  S: '%S',
  s: '%S',
  T: '%H:%M:%S',
  W: '%A',
  Y: '%Y',
  y: '%y',
  v: '%V',
  x: '%G',
  '%': '%%',
};

/** `undefined` when there is a letter that has no counterpart. */
export function fromMysqlFormat(format: string): string | undefined {
  let known = true;
  const text = format.replace(/%(.)/g, (_whole, letter: string) => {
    const found = MYSQL[letter];
    if (found === undefined) known = false;
    return found ?? '';
  });
  return known && !/%$/.test(format.replace(/%%/g, '')) ? text : undefined;
}

/** Joda's patterns, which format_datetime and parse_datetime take. */
const JODA: Readonly<Record<string, string>> = {
  yyyy: '%Y',
  YYYY: '%Y',
  xxxx: '%G',
  y: '%Y',
  yy: '%y',
  MMMM: '%B',
  MMM: '%b',
  MM: '%m',
  M: '%-m',
  dd: '%d',
  d: '%-d',
  DDD: '%j',
  EEEE: '%A',
  EEE: '%a',
  E: '%a',
  e: '%u',
  ww: '%V',
  HH: '%H',
  H: '%-H',
  hh: '%I',
  h: '%-I',
  mm: '%M',
  m: '%-M',
  ss: '%S',
  s: '%-S',
  SSS: '%g',
  a: '%p',
  Z: '%z',
};

export function fromJodaFormat(format: string): string | undefined {
  let known = true;
  const text = format.replace(/'([^']*)'|([A-Za-z])\2*|%/g, (token, quoted: string | undefined) => {
    if (token === '%') return '%%';
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll('%', '%%');
    const found = JODA[token];
    if (found === undefined) known = false;
    return found ?? '';
  });
  return known ? text : undefined;
}

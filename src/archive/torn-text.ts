/**
 * SQL for DuckDB: a JSON text with something else, `by`, for each escaped half of a surrogate pair (`\ud800` alone). JSON's
 * grammar and JavaScript allow it, DuckDB refuses the whole text for it. For texts that DuckDB has refused: control
 * characters, which no JSON text has, stand for what stays; a text that has them gives null, as one without escapes does.
 */
export function mendedSql(text: string, by: string): string {
  const other = `replace(${text}, '\\\\', chr(1))`;
  const pairs = `regexp_replace(${other}, '\\\\u(${HIGH})\\\\u(${LOW})', chr(2) || '\\1' || chr(2) || '\\2', 'g')`;
  const mended = `regexp_replace(${pairs}, '\\\\u(?:${HIGH}|${LOW})', '${by}', 'g')`;
  const whole = `replace(replace(${mended}, chr(2), '\\u'), chr(1), '\\\\')`;
  return `CASE WHEN contains(${text}, '\\u') AND NOT regexp_matches(${text}, '[\\x01\\x02]') THEN ${whole} END`;
}

const HIGH = '[dD][89abAB][0-9a-fA-F]{2}';
const LOW = '[dD][c-fC-F][0-9a-fA-F]{2}';

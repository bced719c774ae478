import { unsupported } from './errors.ts';
import { behindBracket, countArguments, isWord, type Token, textOf, tokenize } from './tokens.ts';

/**
 * Turns what Trino writes and DuckDB's parser does not read into what it does: types such as `array(varchar)`, timestamps
 * with a zone, `X'…'`, LISTAGG. What only DuckDB writes is refused, since Athena would refuse it.
 */
export function toDuckDbSyntax(sql: string): string {
  const tokens = tokenize(sql);
  return rewrite(sql, tokens, 0, tokens.length);
}

function rewrite(sql: string, tokens: readonly Token[], from: number, to: number): string {
  let out = '';
  const end = (i: number) => tokens[i]!.end;
  const gap = (i: number) => (i === from ? '' : ' ');
  for (let i = from; i < to; ) {
    const token = tokens[i]!;
    const next = tokens[i + 1];
    if (token.text === '::') throw unsupported("the operator '::'");
    if (token.kind === 'name' && token.text.startsWith('`'))
      throw unsupported('a name in backticks in a query; use double quotes');
    if (token.kind === 'symbol' && token.text === '/' && next?.text === '/') throw unsupported("the operator '//'");
    out += gap(i);
    if (isWord(token, 'TIMESTAMP') && next?.kind === 'text') {
      // A literal with a zone is of another type.
      const zoned = /\d\d:\d\d.*?\s*(?:[+-]\d\d:?\d\d|Z|UTC|[A-Za-z]+\/[A-Za-z_]+)$/.test(textOf(next));
      out += `${zoned ? 'TIMESTAMPTZ' : 'TIMESTAMP'} ${next.text}`;
      i += 2;
    } else if (isWord(token, 'TIMESTAMP') && next?.text === '(') {
      out += 'TIMESTAMP';
      i = behindBracket(tokens, i + 1);
    } else if (token.kind === 'word' && isNameHere(tokens, i)) {
      out += `"${token.text}"`;
      i += 1;
    } else if (token.kind === 'number' && /e/i.test(token.text)) {
      // With an exponent it is a double in Trino; DuckDB may make a decimal of it.
      out += `CAST(${token.text} AS DOUBLE)`;
      i += 1;
    } else if (isWord(token, 'X') && next?.kind === 'text' && next.start === token.end) {
      out += `from_hex(${next.text})`;
      i += 2;
    } else if (isWord(token, 'ARRAY') && (next?.text === '(' || next?.text === '<')) {
      const behind = behindBracket(tokens, i + 1);
      out += `${rewrite(sql, tokens, i + 2, behind - 1)}[]`;
      i = behind;
    } else if (isWord(token, 'IF') && next?.text === '(' && countArguments(tokens, i + 1) === 2) {
      // The third argument is optional in Trino.
      const behind = behindBracket(tokens, i + 1);
      out += `IF(${rewrite(sql, tokens, i + 2, behind - 1)}, NULL)`;
      i = behind;
    } else if (isWord(token, 'LISTAGG') && next?.text === '(') {
      const behind = behindBracket(tokens, i + 1);
      let inside = rewrite(sql, tokens, i + 2, behind - 1);
      i = behind;
      if (isWord(tokens[i], 'WITHIN') && isWord(tokens[i + 1], 'GROUP') && tokens[i + 2]?.text === '(') {
        const last = behindBracket(tokens, i + 2);
        inside += ` ${rewrite(sql, tokens, i + 3, last - 1)}`;
        i = last;
      }
      out += `string_agg(${inside})`;
    } else {
      // Names keep together what was together: `a.b`, `f(`.
      let last = i;
      while (last + 1 < to && tokens[last + 1]!.start === end(last) && !special(tokens, last + 1)) last++;
      out += sql.slice(token.start, end(last));
      i = last + 1;
    }
  }
  return out;
}

/** Words that DuckDB keeps for itself and Trino gives away as names. */
const DUCKDB_ONLY = new Set(
  `ANALYSE ANALYZE ANTI ANY ASOF ASYMMETRIC AT AUTHORIZATION BINARY CHECK COLLATE COLUMN CONCURRENTLY DEC DEFAULT DEFERRABLE DO FOREIGN FREEZE
  GENERATED GLOB INITIALLY INOUT ISNULL LAMBDA NATIONAL NCHAR NONE NOTNULL OUT PLACING POSITIONAL PRIMARY QUALIFY REFERENCES RETURNING SEMI
  SETOF SHOW SIMILAR SOME STRUCT SUMMARIZE SYMMETRIC TO TREAT UNIQUE VARIADIC VERBOSE`.split(/\s+/),
);

function isNameHere(tokens: readonly Token[], i: number): boolean {
  const word = tokens[i]!.text.toUpperCase();
  if (!DUCKDB_ONLY.has(word) || tokens[i + 1]?.text === '(') return false;
  // AT TIME ZONE; INTERVAL '1-2' YEAR TO MONTH.
  if (word === 'AT') return !(isWord(tokens[i + 1], 'TIME') && isWord(tokens[i + 2], 'ZONE'));
  if (word === 'TO') return !isWord(tokens[i + 1], 'MONTH') && !isWord(tokens[i + 1], 'SECOND');
  return true;
}

/** Does a token need a look of its own? */
function special(tokens: readonly Token[], i: number): boolean {
  const { kind, text } = tokens[i]!;
  if (kind === 'word' || kind === 'number' || text === '::' || text.startsWith('`')) return true;
  return text === '/' && tokens[i + 1]?.text === '/';
}

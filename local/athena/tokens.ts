import { QueryFailure } from './errors.ts';

export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'symbol';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const PATTERN =
  /(\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|([A-Za-z_][A-Za-z0-9_@$]*)|("(?:[^"]|"")*"|`(?:[^`]|``)*`)|('(?:[^']|'')*')|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(->|=>|::|\|\||<=|>=|<>|!=|[\s\S])/gy;

/** The tokens of an SQL text, without space and comments. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  for (const match of sql.matchAll(PATTERN)) {
    const [text, space, word, name, quoted, number] = match;
    if (space !== undefined) continue;
    if ((text === "'" || text === '"' || text === '`') && name === undefined && quoted === undefined) {
      throw new QueryFailure(`SYNTAX_ERROR: line 1:${match.index + 1}: mismatched input: a quote is not closed`);
    }
    const kind =
      word !== undefined
        ? 'word'
        : name !== undefined
          ? 'name'
          : quoted !== undefined
            ? 'text'
            : number !== undefined
              ? 'number'
              : 'symbol';
    tokens.push({ kind, text, start: match.index, end: match.index + text.length });
  }
  return tokens;
}

export const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === 'word' && token.text.toUpperCase() === word;

/** A name as it is meant: Athena's names have no case, quotes aside. */
export function nameOf(token: Token): string {
  if (token.kind === 'name') {
    const quote = token.text[0]!;
    return token.text
      .slice(1, -1)
      .replaceAll(quote + quote, quote)
      .toLowerCase();
  }
  return token.text.toLowerCase();
}

export const textOf = (token: Token): string => token.text.slice(1, -1).replaceAll("''", "'");

/** The position behind the bracket that closes the one at `open`. */
export function behindBracket(tokens: readonly Token[], open: number): number {
  const opening = tokens[open]!.text;
  const closing = opening === '<' ? '>' : ')';
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]!.text === opening) depth += 1;
    else if (tokens[i]!.text === closing && --depth === 0) return i + 1;
  }
  throw new QueryFailure(`SYNTAX_ERROR: line 1:${tokens[open]!.start + 1}: a bracket is not closed`);
}

/** How many arguments stand between the bracket at `open` and its end. */
export function countArguments(tokens: readonly Token[], open: number): number {
  const behind = behindBracket(tokens, open);
  let depth = 0;
  let commas = 0;
  for (const { text } of tokens.slice(open, behind)) {
    if (text === '(' || text === '[') depth++;
    else if (text === ')' || text === ']') depth--;
    else if (text === ',' && depth === 1) commas++;
  }
  return behind === open + 2 ? 0 : commas + 1;
}

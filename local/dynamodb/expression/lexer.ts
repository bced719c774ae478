/** A token of an expression; `end` lies after its last character. */
export interface Token {
  readonly kind: 'name' | 'placeholder' | 'value' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN = /\s*(?:([A-Za-z][A-Za-z0-9_]*)|(#[A-Za-z0-9_]+)|(:[A-Za-z0-9_]+)|(0|[1-9]\d*)|(<>|<=|>=|[^\s]))/y;
const KINDS = ['name', 'placeholder', 'value', 'number', 'symbol'] as const;

export class ExpressionError extends Error {}

/** The tokens of one expression, read from left to right, with AWS's text for a token that does not fit. */
export class Tokens {
  readonly #tokens: Token[] = [];
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    TOKEN.lastIndex = 0;
    let end = 0;
    for (;;) {
      TOKEN.lastIndex = end;
      const match = TOKEN.exec(source);
      if (match === null) break;
      end = TOKEN.lastIndex;
      const group = match.findIndex((text, i) => i > 0 && text !== undefined);
      const text = match[group]!;
      this.#tokens.push({ kind: KINDS[group - 1]!, text, start: end - text.length, end });
    }
    this.#tokens.push({ kind: 'end', text: '<EOF>', start: source.length, end: source.length });
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  /** Takes the symbol, or the keyword in any case, when it comes next. */
  take(text: string): boolean {
    const token = this.peek();
    const fits =
      token.kind === 'symbol' ? token.text === text : token.kind === 'name' && token.text.toUpperCase() === text;
    if (fits) this.#at++;
    return fits;
  }

  /** Is this the next symbol? */
  sees(symbol: string): boolean {
    const token = this.peek();
    return token.kind === 'symbol' && token.text === symbol;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.unexpected();
  }

  /** For a `(` that comes next: the token behind its `)`; and does another pair stand right inside it? */
  parentheses(): { readonly after: Token; readonly doubled: boolean } {
    let depth = 0;
    let innerEnd = -1;
    for (let i = this.#at; i < this.#tokens.length; i++) {
      const { kind, text } = this.#tokens[i]!;
      if (kind !== 'symbol') continue;
      if (text === '(') depth++;
      if (text !== ')') continue;
      depth--;
      if (depth === 1 && innerEnd < 0) innerEnd = i;
      if (depth === 0) {
        const inner = this.#tokens[this.#at + 1]!;
        const doubled = inner.kind === 'symbol' && inner.text === '(' && innerEnd === i - 1;
        return { after: this.#tokens[i + 1]!, doubled };
      }
    }
    return { after: this.#tokens[this.#tokens.length - 1]!, doubled: false };
  }

  /** AWS quotes the token that does not fit, and what stands around it from the previous token to the next one. */
  unexpected(): ExpressionError {
    const at = this.#at;
    const token = this.#tokens[at]!;
    const before = this.#tokens[at - 1] ?? { ...token, start: 0 };
    const after = this.#tokens[at + 1];
    const until = after === undefined || after.kind === 'end' ? this.#source.length : after.end;
    const near = this.#source.slice(before.start, until);
    return new ExpressionError(`Syntax error; token: "${token.text}", near: "${near}"`);
  }
}

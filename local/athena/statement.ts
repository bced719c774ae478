import { invalidRequest, QueryFailure } from './errors.ts';
import { behindBracket, isWord, nameOf, type Token, textOf, tokenize } from './tokens.ts';

export interface Name {
  readonly database: string | undefined;
  readonly table: string;
}

export type Properties = Readonly<Record<string, string | readonly string[]>>;

/** What a query string is. */
export type Statement =
  | { readonly kind: 'select'; readonly sql: string }
  | { readonly kind: 'unload'; readonly sql: string; readonly to: string; readonly properties: Properties }
  | {
      readonly kind: 'createTable';
      readonly sql: string;
      readonly name: Name;
      readonly properties: Properties;
      readonly ifNotExists: boolean;
      readonly withData: boolean;
    }
  | { readonly kind: 'createView'; readonly sql: string; readonly name: Name; readonly orReplace: boolean }
  | { readonly kind: 'drop'; readonly what: 'TABLE' | 'VIEW'; readonly name: Name; readonly ifExists: boolean }
  | {
      readonly kind: 'createDatabase';
      readonly database: string;
      readonly ifNotExists: boolean;
      readonly comment: string | undefined;
      readonly location: string | undefined;
    }
  | {
      readonly kind: 'dropDatabase';
      readonly database: string;
      readonly ifExists: boolean;
      readonly cascade: boolean;
    }
  | { readonly kind: 'showTables'; readonly database: string | undefined; readonly like: string | undefined }
  | { readonly kind: 'showDatabases' }
  | { readonly kind: 'describe'; readonly name: Name }
  | { readonly kind: 'showColumns'; readonly name: Name };

export const statementType = (statement: Statement): 'DML' | 'DDL' | 'UTILITY' =>
  statement.kind === 'select' || statement.kind === 'unload'
    ? 'DML'
    : statement.kind === 'showTables' ||
        statement.kind === 'showDatabases' ||
        statement.kind === 'describe' ||
        statement.kind === 'showColumns'
      ? 'UTILITY'
      : 'DDL';

/** Finds out what a query string is; what is not hosted is refused by its first words. */
export function parseStatement(text: string): Statement {
  let tokens: Token[];
  try {
    tokens = tokenize(text);
  } catch (error) {
    if (error instanceof QueryFailure) throw invalidRequest(error.message.replace('SYNTAX_ERROR: ', ''));
    throw error;
  }
  while (tokens.at(-1)?.text === ';') tokens.pop();
  if (tokens.length === 0) throw invalidRequest('The query string is empty');
  if (tokens.some((token) => token.text === ';')) throw invalidRequest('Only one sql statement is allowed.');
  return new Reader(text, tokens).statement();
}

class Reader {
  private at = 0;
  private readonly text: string;
  private readonly tokens: readonly Token[];

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text;
    this.tokens = tokens;
  }

  statement(): Statement {
    const { tokens } = this;
    const first = tokens[0]!;
    if (isWord(first, 'SELECT') || isWord(first, 'WITH') || isWord(first, 'VALUES') || first.text === '(') {
      return { kind: 'select', sql: this.rest() };
    }
    if (this.take('UNLOAD')) return this.unload();
    if (this.take('CREATE')) return this.create();
    if (this.take('DROP')) {
      if (this.takeDatabase()) return this.dropDatabase();
      const what = this.take('VIEW') ? 'VIEW' : this.take('TABLE') ? 'TABLE' : undefined;
      if (what !== undefined)
        return { kind: 'drop', what, ifExists: this.takeAll('IF', 'EXISTS'), name: this.name(), ...this.end() };
    }
    if (this.take('SHOW')) return this.show();
    if (this.take('DESCRIBE') || this.take('DESC')) {
      this.take('FORMATTED');
      this.take('EXTENDED');
      return { kind: 'describe', name: this.name(), ...this.end() };
    }
    throw this.refuse();
  }

  private unload(): Statement {
    const open = this.at;
    if (this.tokens[open]?.text !== '(') throw this.unexpected();
    const behind = behindBracket(this.tokens, open);
    const sql = this.text.slice(this.tokens[open]!.end, this.tokens[behind - 1]!.start);
    this.at = behind;
    this.expect('TO');
    const to = this.literal();
    return { kind: 'unload', sql, to, properties: this.take('WITH') ? this.properties() : {}, ...this.end() };
  }

  private create(): Statement {
    const orReplace = this.takeAll('OR', 'REPLACE');
    if (this.take('VIEW')) {
      const name = this.name();
      this.expect('AS');
      return { kind: 'createView', name, orReplace, sql: this.rest() };
    }
    if (!orReplace && this.takeDatabase()) return this.createDatabase();
    if (orReplace || !this.take('TABLE')) throw this.refuse();
    const ifNotExists = this.takeAll('IF', 'NOT', 'EXISTS');
    const name = this.name();
    const properties = this.take('WITH') ? this.properties() : {};
    if (!this.take('AS')) throw this.refuse();
    const { tokens } = this;
    let until = tokens.length;
    let withData = true;
    if (isWord(tokens[until - 1], 'DATA') && isWord(tokens[until - 2], 'NO') && isWord(tokens[until - 3], 'WITH')) {
      until -= 3;
      withData = false;
    } else if (isWord(tokens[until - 1], 'DATA') && isWord(tokens[until - 2], 'WITH')) until -= 2;
    const sql = this.text.slice(tokens[this.at]!.start, tokens[until - 1]!.end);
    return { kind: 'createTable', name, properties, ifNotExists, withData, sql };
  }

  /** "CREATE {DATABASE|SCHEMA} [IF NOT EXISTS] database_name [COMMENT 'database_comment'] [LOCATION 'S3_loc']". */
  private createDatabase(): Statement {
    const ifNotExists = this.takeAll('IF', 'NOT', 'EXISTS');
    const database = nameOf(this.next());
    const comment = this.take('COMMENT') ? this.literal() : undefined;
    const location = this.take('LOCATION') ? this.literal() : undefined;
    return { kind: 'createDatabase', database, ifNotExists, comment, location, ...this.end() };
  }

  /** "DROP {DATABASE | SCHEMA} [IF EXISTS] database_name [RESTRICT | CASCADE]". */
  private dropDatabase(): Statement {
    const ifExists = this.takeAll('IF', 'EXISTS');
    const database = nameOf(this.next());
    const cascade = this.take('CASCADE');
    if (!cascade) this.take('RESTRICT');
    return { kind: 'dropDatabase', database, ifExists, cascade, ...this.end() };
  }

  private takeDatabase(): boolean {
    return this.take('DATABASE') || this.take('SCHEMA');
  }

  private show(): Statement {
    if (this.take('TABLES')) {
      const database = this.take('IN') || this.take('FROM') ? nameOf(this.next()) : undefined;
      this.take('LIKE');
      const like = this.tokens[this.at]?.kind === 'text' ? this.literal() : undefined;
      return { kind: 'showTables', database, like, ...this.end() };
    }
    if (this.take('DATABASES') || this.take('SCHEMAS')) return { kind: 'showDatabases', ...this.end() };
    if (this.take('COLUMNS')) {
      if (!this.take('IN')) this.expect('FROM');
      return { kind: 'showColumns', name: this.name(), ...this.end() };
    }
    throw this.refuse();
  }

  /** `(format = 'PARQUET', partitioned_by = ARRAY['day'])`. */
  private properties(): Properties {
    const properties: Record<string, string | string[]> = {};
    this.symbol('(');
    do {
      const key = nameOf(this.next());
      this.symbol('=');
      if (this.take('ARRAY')) {
        const values: string[] = [];
        this.symbol('[');
        while (this.tokens[this.at]?.text !== ']') {
          values.push(this.literal());
          if (this.tokens[this.at]?.text === ',') this.at++;
        }
        this.at++;
        properties[key] = values;
      } else {
        const value = this.next();
        properties[key] = value.kind === 'text' ? textOf(value) : value.text;
      }
    } while (this.tokens[this.at]?.text === ',' && this.at++ >= 0);
    this.symbol(')');
    return properties;
  }

  private name(): Name {
    const parts = [nameOf(this.next())];
    while (this.tokens[this.at]?.text === '.') {
      this.at++;
      parts.push(nameOf(this.next()));
    }
    const [table = '', database] = parts.reverse();
    return { table, database };
  }

  private next(): Token {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.unexpected();
    return token;
  }

  private literal(): string {
    const token = this.next();
    if (token.kind !== 'text') throw this.unexpected();
    return textOf(token);
  }

  private take(word: string): boolean {
    if (!isWord(this.tokens[this.at], word)) return false;
    this.at++;
    return true;
  }

  private takeAll(...words: string[]): boolean {
    if (!words.every((word, i) => isWord(this.tokens[this.at + i], word))) return false;
    this.at += words.length;
    return true;
  }

  private expect(word: string): void {
    if (!this.take(word)) throw this.unexpected();
  }

  private symbol(text: string): void {
    if (this.next().text !== text) throw this.unexpected();
  }

  private rest(): string {
    const last = this.tokens.at(-1)!;
    const from = this.tokens[this.at];
    if (from === undefined) throw this.unexpected();
    return this.text.slice(from.start, last.end);
  }

  private end(): Record<never, never> {
    if (this.at < this.tokens.length) throw this.unexpected();
    return {};
  }

  private unexpected() {
    const token = this.tokens[Math.min(this.at, this.tokens.length - 1)]!;
    return invalidRequest(`line 1:${token.start + 1}: mismatched input '${token.text}'`);
  }

  private refuse() {
    const words = this.tokens
      .slice(0, 4)
      .map((token) => token.text)
      .join(' ');
    return invalidRequest(`Queries of this type are not supported by the embedded Athena: ${words}`);
  }
}

import type { Json } from '../../cloud.ts';
import type { ExpressionCompiler } from '../expression/compile.ts';
import { type Outcome, unsupportedReferences } from '../expression/syntax.ts';
import type { Template } from '../expression/template.ts';
import type { Diagnostics } from './diagnostics.ts';
import { JSONPATH_FIELDS } from './fields.ts';

/**
 * Reads one object of a definition, field by field, and notes what is wrong with it. `pointer` is where the object stands
 * (`/States/Pay`), `prefix` how its expressions name their field relative to the state (`Choices[0]/`).
 */
export class FieldReader {
  readonly source: Readonly<Record<string, Json>>;
  readonly pointer: string;
  readonly #prefix: string;
  readonly #expressions: ExpressionCompiler;
  readonly #diagnostics: Diagnostics;
  readonly #outcomes: readonly Outcome[];

  constructor(
    source: Json,
    pointer: string,
    context: { readonly expressions: ExpressionCompiler; readonly diagnostics: Diagnostics },
    options: { readonly prefix?: string; readonly outcomes?: readonly Outcome[] } = {},
  ) {
    this.pointer = pointer;
    this.#prefix = options.prefix ?? '';
    this.#outcomes = options.outcomes ?? [];
    this.#expressions = context.expressions;
    this.#diagnostics = context.diagnostics;
    const isObject = typeof source === 'object' && source !== null && !Array.isArray(source);
    if (!isObject) this.#diagnostics.schema('Expected value of type [OBJECT]', pointer);
    this.source = isObject ? source : {};
  }

  /** An object within this one, its expressions still named relative to the state. */
  nested(source: Json, field: string, options: { readonly outcomes?: readonly Outcome[] } = {}): FieldReader {
    const context = { expressions: this.#expressions, diagnostics: this.#diagnostics };
    return new FieldReader(source, this.at(field), context, {
      prefix: `${this.#prefix}${field}/`,
      outcomes: options.outcomes ?? this.#outcomes,
    });
  }

  /** The same object, for the fields whose expressions may look at how the state ended. */
  knowing(...outcomes: readonly Outcome[]): FieldReader {
    const context = { expressions: this.#expressions, diagnostics: this.#diagnostics };
    return new FieldReader(this.source, this.pointer, context, { prefix: this.#prefix, outcomes });
  }

  at(field: string): string {
    return this.pointer === '/' ? `/${field}` : `${this.pointer}/${field}`;
  }

  has(field: string): boolean {
    return Object.hasOwn(this.source, field);
  }

  fail(message: string, field?: string): undefined {
    this.#diagnostics.schema(message, field === undefined ? this.pointer : this.at(field));
    return undefined;
  }

  /** Refuses every field that is not in the list, JSONPath's own with the service's words for them. */
  only(known: readonly string[]): void {
    for (const field of Object.keys(this.source)) {
      if (known.includes(field)) continue;
      if (JSONPATH_FIELDS.has(field)) {
        this.fail(
          `The QueryLanguage is set to 'JSONata', but field '${field}' is only supported for the 'JSONPath' QueryLanguage`,
        );
      } else {
        this.fail(`Field '${field}' is not supported`, field);
      }
    }
  }

  require(...fields: readonly string[]): void {
    const missing = fields.filter((field) => !this.has(field));
    if (missing.length > 0) this.fail(`These fields are required: [${missing.join(', ')}]`);
  }

  string(field: string): string | undefined {
    if (!this.has(field)) return undefined;
    const value = this.source[field];
    return typeof value === 'string' ? value : this.fail('Expected value of type [STRING]', field);
  }

  boolean(field: string): boolean | undefined {
    if (!this.has(field)) return undefined;
    const value = this.source[field];
    return typeof value === 'boolean' ? value : this.fail('Expected value of type [BOOLEAN]', field);
  }

  number(
    field: string,
    bounds: { readonly min: number; readonly max: number; readonly whole: boolean },
  ): number | undefined {
    if (!this.has(field)) return undefined;
    const value = this.source[field];
    if (typeof value !== 'number' || (bounds.whole && !Number.isInteger(value))) {
      return this.fail(`Expected value of type [${bounds.whole ? 'INTEGER' : 'NUMBER'}]`, field);
    }
    if (value < bounds.min || value > bounds.max) {
      return this.fail(`Expected a value between ${bounds.min} and ${bounds.max}`, field);
    }
    return value;
  }

  oneOf<const T extends string>(field: string, values: readonly T[]): T | undefined {
    const value = this.string(field);
    if (value === undefined || (values as readonly string[]).includes(value)) return value as T | undefined;
    return this.fail(`Value should be one of the following: [${values.join(', ')}]`, field);
  }

  array(field: string): readonly Json[] | undefined {
    if (!this.has(field)) return undefined;
    const value = this.source[field];
    return Array.isArray(value) ? value : this.fail('Expected value of type [ARRAY]', field);
  }

  strings(field: string): readonly string[] | undefined {
    const values = this.array(field);
    if (values === undefined || values.every((value) => typeof value === 'string')) return values;
    return this.fail('Expected an array of values of type [STRING]', field);
  }

  /** Any JSON, with its `{% … %}` strings compiled. */
  template(field: string): Template | undefined {
    if (!this.has(field)) return undefined;
    return this.#compile(this.source[field], `${this.#prefix}${field}`, this.at(field));
  }

  /** An expression, or a literal of the type. */
  typed(field: string, type: 'boolean' | 'number' | 'object' | 'string'): Template | undefined {
    const template = this.template(field);
    if (template === undefined || template.kind === 'expression') return template;
    const literal = this.source[field];
    const actual = literal === null ? 'null' : Array.isArray(literal) ? 'array' : typeof literal;
    return actual === type
      ? template
      : this.fail(`Expected value of type [${type.toUpperCase()}] or a JSONata expression`, field);
  }

  /** An expression, or a whole number within the bounds. */
  count(field: string, bounds: { readonly min: number; readonly max: number }): Template | undefined {
    if (typeof this.source[field] === 'number') this.number(field, { ...bounds, whole: true });
    return this.typed(field, 'number');
  }

  #compile(value: Json, location: string, pointer: string): Template {
    if (typeof value === 'string') return this.#compileString(value, location, pointer);
    if (typeof value !== 'object' || value === null) return { kind: 'literal', value, location };
    if (Array.isArray(value)) {
      const items = value.map((item, i) => this.#compile(item, `${location}[${i}]`, `${pointer}[${i}]`));
      return items.every(({ kind }) => kind === 'literal')
        ? { kind: 'literal', value, location }
        : { kind: 'array', items, location };
    }
    const entries = Object.keys(value).map(
      (name) => [name, this.#compile(value[name], `${location}/${name}`, `${pointer}/${name}`)] as const,
    );
    return entries.every(([, { kind }]) => kind === 'literal')
      ? { kind: 'literal', value, location }
      : { kind: 'object', entries, location };
  }

  #compileString(value: string, location: string, pointer: string): Template {
    const literal: Template = { kind: 'literal', value, location };
    const trimmed = value.trim();
    if (!trimmed.startsWith('{%') && !trimmed.endsWith('%}')) return literal;
    // "the string must start with {% with no leading spaces, and must end with %} with no trailing spaces. Improperly
    // opening or closing the expression will result in a validation error."
    if (!value.startsWith('{%') || !value.endsWith('%}') || value.length < 4) {
      const message = "A JSONata expression must start with '{%' and end with '%}', with no spaces around them";
      this.#diagnostics.add('INVALID_JSONATA_EXPRESSION', message, pointer);
      return literal;
    }
    try {
      const expression = this.#expressions.compile(value.slice(2, -2).trim());
      for (const message of unsupportedReferences(expression.ast, this.#outcomes)) {
        this.#diagnostics.add('UNSUPPORTED_JSONATA_EXPRESSION', message, pointer);
      }
      return { kind: 'expression', expression, location };
    } catch (error) {
      const message = (error as { message?: string }).message ?? String(error);
      this.#diagnostics.add('INVALID_JSONATA_EXPRESSION', message, pointer);
      return literal;
    }
  }
}

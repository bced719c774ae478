import type { Json } from '../../cloud.ts';
import type { ExpressionCompiler } from '../expression/compile.ts';
import type { Diagnostics } from './diagnostics.ts';
import { STATE_FIELDS, type StateType } from './fields.ts';
import type { Container, State } from './machine.ts';
import { readState } from './read-state.ts';
import { FieldReader } from './reader.ts';

export type WorkflowType = 'STANDARD' | 'EXPRESS';

export interface ReadContext {
  readonly expressions: ExpressionCompiler;
  readonly diagnostics: Diagnostics;
  /** The machine's own QueryLanguage: states fall back to it, not to that of an enclosing Map or Parallel. */
  readonly language: string;
  /** Names of states, which are unique in the whole machine. */
  readonly names: Set<string>;
}

// "Variable names must follow the rules for Unicode Identifiers … and must be shorter than 80 characters."
const VARIABLE = /^\p{ID_Start}\p{ID_Continue}{0,79}$/u;

/** One container with its variables. */
export class Scope {
  readonly type: WorkflowType;
  readonly #context: ReadContext;
  readonly #outer: Scope | undefined;
  readonly #inner: Scope[] = [];
  readonly #assigned = new Map<string, FieldReader>();

  constructor(context: ReadContext, type: WorkflowType, outer?: Scope) {
    this.#context = context;
    this.type = type;
    this.#outer = outer;
    if (outer !== undefined) outer.#inner.push(this);
  }

  /** The scope of a branch or of an inline item processor. */
  inner(): Scope {
    return new Scope(this.#context, this.type, this);
  }

  /** The scope of a child workflow: it sees no variable of this one. */
  separate(type: WorkflowType): Scope {
    return new Scope(this.#context, type);
  }

  assigns(variable: string, at: FieldReader): void {
    if (!VARIABLE.test(variable)) at.fail(`'${variable}' is not a valid variable name`, variable);
    else if (variable === 'states') at.fail("'states' is a reserved variable name", variable);
    if (!this.#assigned.has(variable)) this.#assigned.set(variable, at);
  }

  /**
   * "if the top level workflow assigns a value to a variable called myVariable, then no other state (inside a Map,
   * Parallel) can assign to myVariable as well."
   */
  checkShadowing(): void {
    for (const [variable, at] of this.#assigned) {
      if (this.#outer?.knows(variable)) {
        at.fail(
          `The variable '${variable}' is assigned in an outer scope, so that no inner scope can assign it`,
          variable,
        );
      }
    }
    for (const inner of this.#inner) inner.checkShadowing();
  }

  knows(variable: string): boolean {
    return this.#assigned.has(variable) || (this.#outer?.knows(variable) ?? false);
  }

  /** A machine, branch or processor: `others` are the fields beside StartAt and States. */
  readContainer(source: Json, pointer: string, others: readonly string[]): Container {
    const container = new FieldReader(source, pointer, this.#context);
    container.only(['StartAt', 'States', ...others]);
    container.require(...['States', 'StartAt'].filter((field) => !container.has(field)));
    const startAt = container.string('StartAt') ?? '';
    const all = new FieldReader(container.source.States ?? {}, container.at('States'), this.#context);
    const states = new Map<string, State>();
    const named = new Set(Object.keys(all.source));
    for (const name of named) {
      const state = this.#readState(name, all.source[name], all.at(name));
      if (state !== undefined) states.set(name, state);
    }
    if (container.has('States') && container.has('StartAt')) this.#checkTransitions(startAt, named, states, container);
    if (this.#outer === undefined) this.checkShadowing();
    return { startAt, states };
  }

  #readState(name: string, source: Json, pointer: string): State | undefined {
    const fields = new FieldReader(source, pointer, this.#context);
    // "State names … must be unique within the scope of the whole state machine" and at most 80 characters long.
    if ([...name].length > 80) fields.fail('The name of a state is at most 80 characters long');
    if (this.#context.names.has(name)) {
      this.#context.diagnostics.add('DUPLICATE_STATE_NAME', `The name '${name}' is used by another state`, pointer);
    }
    this.#context.names.add(name);
    fields.require('Type');
    const type = fields.oneOf('Type', Object.keys(STATE_FIELDS) as StateType[]);
    if (type === undefined || !this.#isJsonata(fields)) return undefined;
    return readState(name, type, fields, this);
  }

  /**
   * A state's language is its own field, or that of the machine; whatever is not exactly "JSONPath" counts as JSONata, so
   * that a wrong value is reported once.
   */
  #isJsonata(fields: FieldReader): boolean {
    fields.oneOf('QueryLanguage', ['JSONPath', 'JSONata']);
    const own = fields.has('QueryLanguage') ? fields.source.QueryLanguage : this.#context.language;
    if (own !== 'JSONPath') return true;
    fields.fail(
      this.#context.language === 'JSONPath'
        ? 'The QueryLanguage \'JSONPath\' is not supported by this runtime: set "QueryLanguage": "JSONata" for the state or the whole state machine'
        : "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
    );
    return false;
  }

  /** Each transition leads to a state, each state is reached, and some state ends the container. */
  #checkTransitions(
    startAt: string,
    named: ReadonlySet<string>,
    states: ReadonlyMap<string, State>,
    container: FieldReader,
  ): void {
    const missing = (field: string, target: string, at: string) =>
      this.#context.diagnostics.add('MISSING_TRANSITION_TARGET', `Missing '${field}' target: ${target}`, at);
    if (!named.has(startAt)) missing('StartAt', startAt, container.at('StartAt'));
    let ends = false;
    const reached = new Set<string>([startAt]);
    for (const name of reached) {
      const state = states.get(name);
      if (state === undefined) {
        // A state that was refused already, so where it leads is not known.
        if (named.has(name)) ends = true;
        continue;
      }
      const exits = exitsOf(state);
      if (exits.length === 0 || (state.type !== 'Choice' && state.next === undefined)) ends = true;
      for (const { field, target } of exits) {
        if (named.has(target)) reached.add(target);
        else missing(field.replace(/^.*\//, ''), target, `${container.at('States')}/${name}/${field}`);
      }
    }
    const refused = [...named].some((name) => !states.has(name));
    for (const name of named) {
      if (!reached.has(name) && !refused) {
        const at = `${container.at('States')}/${name}`;
        this.#context.diagnostics.add('MISSING_TRANSITION_TARGET', `State "${name}" is not reachable.`, at);
      }
    }
    if (!ends && named.has(startAt)) {
      this.#context.diagnostics.add('MISSING_END_STATE', 'No terminal state is reached', container.at('States'));
    }
  }
}

interface Exit {
  readonly field: string;
  readonly target: string;
}

function exitsOf(state: State): readonly Exit[] {
  const exits: Exit[] = [];
  if (state.next !== undefined) exits.push({ field: 'Next', target: state.next });
  if (state.type === 'Choice') {
    for (const [i, { next }] of state.choices.entries()) exits.push({ field: `Choices[${i}]/Next`, target: next });
    if (state.default !== undefined) exits.push({ field: 'Default', target: state.default });
  }
  if ('catch' in state) {
    for (const [i, { next }] of state.catch.entries()) exits.push({ field: `Catch[${i}]/Next`, target: next });
  }
  return exits;
}

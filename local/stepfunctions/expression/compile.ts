import jsonata from 'jsonata';
import type { Json } from '../../cloud.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { builtins, ExpressionError } from './builtins.ts';
import { mayRunForever, type Node, nestingOf, runsInParallel } from './syntax.ts';

/** Variables by name, and `states`. */
export type Bindings = Readonly<Record<string, Json>>;

/** A parsed expression that can be evaluated any number of times, also at once. */
export interface Expression {
  readonly text: string;
  readonly ast: Node;
  /** The value as JSONata gives it (undefined when there is none); rejects with `{ code, message }`. */
  evaluate(bindings: Bindings): Promise<Json>;
}

export interface ExpressionCompiler {
  /** Throws JSONata's own `{ code, message, position }` when the text cannot be parsed. */
  compile(text: string): Expression;
}

// Measured on the real service: 100 levels are accepted, the refusal of one more says "Depth=101 max=100".
const MAX_DEPTH = 100;
// "Expression evaluation timeout": five seconds, JSONata's own default.
const MAX_MILLIS = 5_000;
const IN_FLIGHT_LIMIT = 10_000;

// JSONata looks the callbacks up by these symbols; each evaluation's own guard travels as a variable that no expression can name.
const GUARD = ' guard';
const ENTRY = Symbol.for('jsonata.__evaluate_entry');
const EXIT = Symbol.for('jsonata.__evaluate_exit');

/** Compiles each text once: expressions are few and evaluated often. */
export function createExpressionCompiler(kernel: Kernel): ExpressionCompiler {
  const functions = builtins(kernel);
  const cache = new Map<string, Expression>();
  const formatMillis = jsonata('$fromMillis($ms, $picture, $zone)');

  const build = (text: string): Expression => {
    const expression = jsonata(text);
    const ast = expression.ast() as unknown as Node;
    for (const { name, signature, run } of functions) expression.registerFunction(name, run, signature);
    expression.registerFunction(
      'now',
      (picture: string | undefined, zone: string | undefined) =>
        formatMillis.evaluate(undefined, { ms: kernel.clock.now(), picture, zone }),
      '<s?s?:s>',
    );
    // "Step Functions doesn't support the JSONata function $eval": a call finds no function (T1006).
    expression.assign('eval', undefined);
    const depth = nestingOf(ast);
    const guarded = mayRunForever(ast);
    const depthLimit = runsInParallel(ast) ? IN_FLIGHT_LIMIT : MAX_DEPTH;
    if (guarded) {
      const on = (symbol: symbol, run: (guard: Guard) => void) =>
        expression.assign(symbol as unknown as string, (_node: Json, _input: Json, environment: Environment) => {
          const guard = environment.lookup(GUARD);
          if (guard !== undefined) run(guard);
        });
      on(ENTRY, (guard) => guard.enter());
      on(EXIT, (guard) => guard.exit());
    }
    return {
      text,
      ast,
      evaluate(bindings) {
        if (depth > MAX_DEPTH) return Promise.reject(tooDeep(depth));
        return expression.evaluate(undefined, guarded ? { ...bindings, [GUARD]: new Guard(depthLimit) } : bindings);
      },
    };
  };
  return {
    compile(text) {
      let expression = cache.get(text);
      if (expression === undefined) {
        expression = build(text);
        cache.set(text, expression);
      }
      return expression;
    },
  };
}

function tooDeep(depth: number): ExpressionError {
  return new ExpressionError(
    'U1001',
    `Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive. Depth=${depth} max=${MAX_DEPTH}`,
  );
}

/** Counts the levels and the time of one evaluation that may not end by itself. */
class Guard {
  readonly #limit: number;
  readonly #started = performance.now();
  #depth = 0;
  #entries = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  enter(): void {
    this.#depth++;
    if (this.#depth > this.#limit) throw tooDeep(this.#depth);
    if ((++this.#entries & 1023) === 0 && performance.now() - this.#started > MAX_MILLIS) {
      throw new ExpressionError('U1001', 'Expression evaluation timeout: Check for infinite loop');
    }
  }

  exit(): void {
    this.#depth--;
  }
}

interface Environment {
  lookup(name: string): Guard | undefined;
}

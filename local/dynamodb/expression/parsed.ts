import { invalid } from '../errors.ts';
import { type Bindings, type BoundCondition, bindCondition, type Path } from './bind.ts';
import { type BoundAction, bindUpdate } from './bind-update.ts';
import { ExpressionError } from './lexer.ts';
import { parseCondition } from './parse-condition.ts';
import { parseProjection } from './parse-projection.ts';
import { parseUpdate } from './parse-update.ts';
import { checkPaths } from './paths.ts';

const CACHED = 2000;

/** Parsing hangs only on the text, and programs send the same few texts again and again. */
function cached<T extends { readonly fault: string | undefined }>(parse: (source: string) => T): (source: string) => T {
  const cache = new Map<string, T>();
  return (source) => {
    let parsed = cache.get(source);
    if (parsed === undefined) {
      parsed = parse(source);
      if (cache.size >= CACHED) cache.clear();
      cache.set(source, parsed);
    }
    if (parsed.fault !== undefined) throw new ExpressionError(parsed.fault);
    return parsed;
  };
}

const condition = cached(parseCondition);
const update = cached(parseUpdate);
const projection = cached(parseProjection);

function named<T>(parameter: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ExpressionError) throw invalid(`Invalid ${parameter}: ${error.message}`);
    throw error;
  }
}

export function readCondition(parameter: string, source: string, bindings: Bindings): BoundCondition {
  return named(parameter, () => bindCondition(condition(source).condition, bindings));
}

export function readUpdate(source: string, bindings: Bindings): readonly BoundAction[] {
  return named('UpdateExpression', () => bindUpdate(update(source), bindings));
}

export function readProjection(source: string, bindings: Bindings): readonly Path[] {
  return named('ProjectionExpression', () => {
    const paths = projection(source).paths.map((path) => bindings.path(path));
    checkPaths(paths);
    return paths;
  });
}

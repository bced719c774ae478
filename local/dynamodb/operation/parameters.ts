import type { Json } from '../../cloud.ts';
import { invalid, invalidValue } from '../errors.ts';
import { Bindings, type Path } from '../expression/bind.ts';
import { matches } from '../expression/evaluate.ts';
import { type Predicate, readExpected } from '../expression/legacy.ts';
import { readCondition, readProjection } from '../expression/parsed.ts';

function given(input: Json, names: readonly string[]): readonly string[] {
  return names.filter((name) => input[name] !== undefined && input[name] !== null);
}

/**
 * Expressions and what came before them exclude each other; names and values need an expression to stand in.
 * `withoutValues` are expressions that hold no values.
 */
export function checkExpressionParameters(
  input: Json,
  expressions: readonly string[],
  legacy: readonly string[],
  withoutValues: readonly string[] = ['ProjectionExpression'],
): void {
  const used = given(input, expressions);
  const old = given(input, legacy);
  if (used.length > 0 && old.length > 0) {
    throw invalid(
      `Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {${old.join(', ')}} Expression parameters: {${used.join(', ')}}`,
    );
  }
  if (input.ExpressionAttributeNames != null && used.length === 0) {
    throw invalid('ExpressionAttributeNames can only be specified when using expressions');
  }
  const holders = expressions.filter((name) => !withoutValues.includes(name));
  if (input.ExpressionAttributeValues != null && given(input, holders).length === 0) {
    throw invalid(
      `ExpressionAttributeValues can only be specified when using expressions: ${holders.join(' and ')} ${holders.length > 1 ? 'are' : 'is'} null`,
    );
  }
}

export function readBindings(input: Json): Bindings {
  return new Bindings(input.ExpressionAttributeNames, input.ExpressionAttributeValues);
}

/** The condition of a write, whichever way it was given. */
export function readWriteCondition(input: Json, bindings: Bindings): Predicate | undefined {
  if (input.Expected != null) return readExpected(input.Expected, input.ConditionalOperator);
  if (input.ConditionalOperator != null) {
    throw invalid('ConditionalOperator cannot be used without Filter or Expected');
  }
  if (input.ConditionExpression == null) return undefined;
  const condition = readCondition('ConditionExpression', input.ConditionExpression, bindings);
  return (item) => matches(condition, item);
}

/** What a read is to give back, whichever way it was given; undefined for everything. */
export function readProjectionParameter(input: Json, bindings: Bindings): readonly Path[] | undefined {
  if (input.ProjectionExpression != null) return readProjection(input.ProjectionExpression, bindings);
  if (input.AttributesToGet == null) return undefined;
  const names: readonly string[] = input.AttributesToGet;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalidValue(`Duplicate value in attribute name: ${twice}`);
  return names.map((name) => [name]);
}

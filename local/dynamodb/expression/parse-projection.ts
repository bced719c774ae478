import { Tokens } from './lexer.ts';
import { checkLength, Faults, parsePath, type WrittenPath } from './syntax.ts';

export interface ParsedProjection {
  readonly paths: readonly WrittenPath[];
  readonly fault: string | undefined;
}

/** Parses a ProjectionExpression. Throws ExpressionError for a syntax error. */
export function parseProjection(source: string): ParsedProjection {
  checkLength(source);
  const tokens = new Tokens(source);
  const faults = new Faults();
  const paths: WrittenPath[] = [];
  do paths.push(parsePath(tokens, faults));
  while (tokens.take(','));
  if (tokens.peek().kind !== 'end') throw tokens.unexpected();
  return { paths, fault: faults.first(['reserved']) };
}

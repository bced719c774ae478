import type { Json } from '../../cloud.ts';
import type { ExpressionCompiler } from '../expression/compile.ts';
import { type Diagnostic, Diagnostics } from './diagnostics.ts';
import type { Machine } from './machine.ts';
import { FieldReader } from './reader.ts';
import { Scope, type WorkflowType } from './scope.ts';

/** "Maximum size of a state machine definition: 1 MB" */
const DEFINITION_LIMIT = 1_048_576;

export type Read = { readonly machine: Machine } | { readonly diagnostics: readonly Diagnostic[] };

/** Checks a definition whole and compiles it; what is unknown in it is refused here, never met by an execution. */
export function readDefinition(text: string, type: WorkflowType, expressions: ExpressionCompiler): Read {
  const source = parse(text);
  if ('diagnostic' in source) return { diagnostics: [source.diagnostic] };
  const diagnostics = new Diagnostics();
  const fields = new FieldReader(source.value, '/', { expressions, diagnostics });
  fields.oneOf('QueryLanguage', ['JSONPath', 'JSONata']);
  const language = !fields.has('QueryLanguage') || fields.source.QueryLanguage === 'JSONPath' ? 'JSONPath' : 'JSONata';
  fields.oneOf('Version', ['1.0']);
  fields.string('Comment');
  const timeoutSeconds = fields.number('TimeoutSeconds', { min: 1, max: 99_999_999, whole: true });
  const scope = new Scope({ expressions, diagnostics, language, names: new Set() }, type);
  const container = scope.readContainer(source.value, '/', ['Comment', 'QueryLanguage', 'TimeoutSeconds', 'Version']);
  if (diagnostics.found.length > 0) return { diagnostics: diagnostics.found };
  return { machine: { ...container, timeoutSeconds } };
}

function parse(text: string): { readonly value: Json } | { readonly diagnostic: Diagnostic } {
  const refuse = (code: Diagnostic['code'], message: string) =>
    ({ diagnostic: { severity: 'ERROR', code, message } }) as const;
  if (Buffer.byteLength(text) > DEFINITION_LIMIT) {
    return refuse('SCHEMA_VALIDATION_FAILED', `A definition is at most ${DEFINITION_LIMIT} bytes long`);
  }
  if (text.trim() === '') return refuse('SCHEMA_VALIDATION_FAILED', 'Definition must be a valid JSON object');
  try {
    const value: Json = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value };
    return refuse('SCHEMA_VALIDATION_FAILED', 'Definition must be a valid JSON object');
  } catch (error) {
    return refuse('INVALID_JSON_DESCRIPTION', (error as Error).message);
  }
}

/** One finding about a definition, in the shape of ValidateStateMachineDefinition. */
export interface Diagnostic {
  readonly severity: 'ERROR';
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly location?: string;
}

export type DiagnosticCode =
  | 'INVALID_JSON_DESCRIPTION'
  | 'SCHEMA_VALIDATION_FAILED'
  | 'MISSING_TRANSITION_TARGET'
  | 'MISSING_END_STATE'
  | 'DUPLICATE_STATE_NAME'
  | 'INVALID_JSONATA_EXPRESSION'
  | 'UNSUPPORTED_JSONATA_EXPRESSION';

/** Gathers what is wrong, so that one answer names all of it. */
export class Diagnostics {
  readonly found: Diagnostic[] = [];

  add(code: DiagnosticCode, message: string, location: string): void {
    this.found.push({ severity: 'ERROR', code, message, location });
  }

  schema(message: string, location: string): void {
    this.add('SCHEMA_VALIDATION_FAILED', message, location);
  }
}

/** The text of InvalidDefinition: `Invalid State Machine Definition: '<code>: <message> at <location>, …'`. */
export function describeDiagnostics(found: readonly Diagnostic[]): string {
  const each = found.map(({ code, message, location }) =>
    location === undefined ? `${code}: ${message}` : `${code}: ${message} at ${location}`,
  );
  return `Invalid State Machine Definition: '${each.join(', ')}'`;
}

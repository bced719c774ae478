import { type Json, ServiceError } from '../cloud.ts';

/** Refuses every parameter that is not in `known`, by name: nothing is silently ignored. */
export function refuseUnknown(operation: string, input: Json, known: readonly string[]): void {
  for (const [name, value] of Object.entries(input ?? {})) {
    if (value === undefined || value === null || known.includes(name)) continue;
    throw new ServiceError(
      'InvalidParameterValueException',
      `${operation}: the parameter ${name} is not supported here`,
    );
  }
}

export function unknownOperation(service: string, operation: string): ServiceError {
  return new ServiceError(
    'UnknownOperationException',
    `The operation ${operation} of ${service} is not supported here`,
    {
      status: 404,
    },
  );
}

/** An integer between `minimum` and `maximum`, as AWS's validation reports it. */
export function requireInteger(name: string, value: Json, minimum: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  const bound =
    Number.isInteger(value) && value > maximum
      ? `less than or equal to ${maximum}`
      : `greater than or equal to ${minimum}`;
  throw new ServiceError(
    'ValidationException',
    `1 validation error detected: Value '${String(value)}' at '${name}' failed to satisfy constraint: Member must have value ${bound}`,
  );
}

import { type Account, ServiceError } from '../cloud.ts';

export interface FunctionReference {
  readonly name: string;
  /** A version's number, an alias, or undefined for $LATEST. */
  readonly qualifier: string | undefined;
}

/**
 * "Function name – my-function, my-function:v1. Function ARN – arn:aws:lambda:…:function:my-function. Partial ARN –
 * 123456789012:function:my-function. You can append a version number or alias to any of the formats." (Invoke)
 */
export function parseFunctionName(text: unknown, qualifier?: unknown): FunctionReference {
  const pattern =
    /^(?:(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?(?:\d{12}:)?function:)?([A-Za-z0-9-_]+)(?::(\$LATEST|[A-Za-z0-9-_]+))?$/;
  const match = typeof text === 'string' ? pattern.exec(text) : null;
  if (match === null) {
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${String(text)}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?`,
    );
  }
  const inline = match[2];
  if (inline !== undefined && typeof qualifier === 'string' && inline !== qualifier) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  }
  const given = inline ?? (typeof qualifier === 'string' ? qualifier : undefined);
  return { name: match[1]!, qualifier: given === '$LATEST' ? undefined : given };
}

export function functionArn(account: Account, name: string, qualifier?: string): string {
  const base = `arn:aws:lambda:${account.region}:${account.accountId}:function:${name}`;
  return qualifier === undefined ? base : `${base}:${qualifier}`;
}

export function functionNotFound(account: Account, reference: FunctionReference): ServiceError {
  return new ServiceError(
    'ResourceNotFoundException',
    `Function not found: ${functionArn(account, reference.name, reference.qualifier)}`,
    { status: 404, fields: { Type: 'User' } },
  );
}

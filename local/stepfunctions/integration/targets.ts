import type { Json } from '../../cloud.ts';
import { sdkTarget } from './aws-sdk.ts';
import { startExecutionTarget } from './executions.ts';
import { functionTarget, invokeTarget } from './functions.ts';
import type { Pattern, TaskTarget } from './integration.ts';
import { optimizedTarget } from './optimized.ts';

const SUFFIXES: Readonly<Record<string, Pattern>> = {
  '': 'request',
  '.sync': 'sync',
  '.sync:2': 'sync:2',
  '.waitForTaskToken': 'token',
};

const FUNCTION = /^arn:aws[a-z-]*:lambda:[^:]+:[^:]*:function:[^:]+(:[^:]+)?$/;
const INTEGRATION = /^arn:aws[a-z-]*:states:::(aws-sdk:)?([a-z0-9-]+):([A-Za-z0-9]+)(\..+)?$/;

/** What a Resource names; a refusal beside it when this runtime, or Step Functions, does not have it. */
export function findTarget(
  resource: string,
  type: 'STANDARD' | 'EXPRESS',
): { readonly target: TaskTarget; readonly refusal?: string } {
  const found = resolve(resource, type);
  return typeof found === 'string' ? { target: functionTarget(resource), refusal: found } : { target: found };
}

function resolve(resource: string, type: 'STANDARD' | 'EXPRESS'): TaskTarget | string {
  if (FUNCTION.test(resource)) return functionTarget(resource);
  if (/^arn:aws[a-z-]*:states:[^:]+:[^:]+:activity:/.test(resource))
    return 'Activities are not supported by this runtime';
  const [, sdk, service, operation, suffix = ''] = INTEGRATION.exec(resource) ?? [];
  if (service === undefined || operation === undefined) return `'${resource}' is not a Resource that is supported here`;
  const pattern = SUFFIXES[suffix];
  if (pattern === undefined) return `The integration pattern '${suffix}' is not supported`;
  if (type === 'EXPRESS' && pattern !== 'request') {
    return `Express state machine does not support '${suffix}' service integration `;
  }
  if (sdk !== undefined) return sdkTarget(service, operation, pattern);
  const name = `${service}:${operation}`;
  if (name === 'states:startExecution') return startExecutionTarget(pattern);
  if (name !== 'lambda:invoke') return optimizedTarget(name, pattern);
  return pattern === 'request' || pattern === 'token'
    ? invokeTarget(pattern)
    : `The integration '${name}' does not support '${suffix}'`;
}

/** What is wrong with a task's arguments as far as their names tell. */
export function refusedArguments(target: TaskTarget, args: Json): readonly string[] {
  if (target.kind === 'function') return [];
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return ['Expected value of type [OBJECT]'];
  const names = Object.keys(args);
  const unknown = names.filter((name) =>
    target.known === undefined ? !/^[A-Z]/.test(name) : !target.known.includes(name),
  );
  return [
    ...unknown.map((name) => `The field '${name}' is not supported by Step Functions`),
    ...target.required
      .filter((name) => !names.includes(name))
      .map((name) => `The field '${name}' is required but was missing`),
  ];
}

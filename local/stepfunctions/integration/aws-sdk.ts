import type { Json } from '../../cloud.ts';
import type { Pattern, TaskTarget } from './integration.ts';
import { SDK_SERVICES, type SdkService } from './sdk-services.ts';
import { type ErrorNaming, serviceFailure } from './service-failure.ts';

/** `arn:aws:states:::aws-sdk:<service>:<operation>`: the service's API as it is, its members in PascalCase. */
export function sdkTarget(serviceName: string, operation: string, pattern: Pattern): TaskTarget | string {
  const service = SDK_SERVICES[serviceName];
  if (service === undefined) return `The AWS SDK integration with '${serviceName}' is not supported by this runtime`;
  const name = operation.slice(0, 1).toUpperCase() + operation.slice(1);
  if (!service.operations.has(name) || name === operation) return `'${serviceName}' has no operation '${operation}'`;
  if (pattern === 'sync' || pattern === 'sync:2') return `The AWS SDK integrations do not support '.${pattern}'`;
  const naming: ErrorNaming = {
    prefix: service.prefix,
    fallback: `${service.prefix}Exception`,
    modelled: service.errors,
    service: service.prefix,
    sdk: 2,
  };
  return {
    kind: 'integration',
    resourceType: `aws-sdk:${serviceName}`,
    resource: pattern === 'token' ? `${operation}.waitForTaskToken` : operation,
    pattern,
    known: undefined,
    required: [],
    async call({ cloud, principal, arguments: args }) {
      try {
        return toResult(await cloud.call({ principal }, service.name, name, toInput(service, name, args)), service);
      } catch (error) {
        throw serviceFailure(error, naming, cloud);
      }
    },
  };
}

/** Members that take JSON as well as its text. */
const JSON_MEMBERS: Readonly<Record<string, string>> = {
  'lambda.Invoke': 'Payload',
  's3.PutObject': 'Body',
  'states.StartExecution': 'Input',
  'states.StartSyncExecution': 'Input',
  'states.SendTaskSuccess': 'Output',
};

function toInput(service: SdkService, operation: string, args: Json): Json {
  const input = { ...args };
  const member = JSON_MEMBERS[`${service.name}.${operation}`];
  if (member !== undefined && input[member] !== undefined && typeof input[member] !== 'string') {
    input[member] = JSON.stringify(input[member]);
  }
  if (service.name === 's3' && typeof input.Body === 'string') input.Body = Buffer.from(input.Body);
  return service.name === 'states' ? camelCase(input) : input;
}

/** The wire of Step Functions itself is in camelCase. */
export function camelCase(input: Json): Json {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name[0]!.toLowerCase() + name.slice(1), value]),
  );
}

function toResult(value: Json, service: SdkService, member = ''): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' && service.times.has(member)) return new Date(value * 1000).toISOString();
  if (Array.isArray(value)) return value.map((item) => toResult(item, service));
  if (typeof value !== 'object' || value === null) return value;
  // A DynamoDB item's attributes are the user's: their names say nothing about times.
  const result: Record<string, Json> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined || name === '$metadata') continue;
    const named = service.name === 'states' ? name[0]!.toUpperCase() + name.slice(1) : name;
    result[named] = toResult(inner, service, name);
  }
  return result;
}

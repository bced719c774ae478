import { type Account, type Json, ServiceError } from '../cloud.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Code } from './code.ts';
import { type FunctionReference, functionArn, functionNotFound, parseFunctionName } from './function-name.ts';
import { requireInteger } from './unsupported.ts';

/** How one version of a function runs. */
export interface FunctionConfiguration {
  readonly name: string;
  /** None: it is a function of this process. */
  readonly code: Code | undefined;
  readonly role: string | undefined;
  readonly handler: string;
  readonly runtime: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly layers: readonly string[];
  readonly deadLetterTarget: string | undefined;
  readonly logGroup: string;
  readonly lastModified: number;
  /** Members that are only shown again: Description, Architectures, TracingConfig, LoggingConfig, EphemeralStorage. */
  readonly shown: Readonly<Record<string, Json>>;
}

/** How often and how long an asynchronous invocation is tried (EventInvokeConfig). */
export interface AsyncConfiguration {
  readonly retries: number;
  readonly maximumAgeSeconds: number;
  readonly onFailure: string | undefined;
  readonly onSuccess: string | undefined;
  readonly lastModified: number;
}

export interface FunctionRecord {
  readonly name: string;
  latest: FunctionConfiguration;
  readonly versions: Map<string, FunctionConfiguration>;
  /** The number of the version published last: "Version numbers are never reused" (developer guide). */
  published: number;
  readonly aliases: Map<string, { readonly version: string; readonly description: string }>;
  readonly asyncConfigurations: Map<string, AsyncConfiguration>;
  reservedConcurrency: number | undefined;
  readonly policy: Map<string, Json>;
  /** Invocations that run now. */
  running: number;
}

/** What a name with a qualifier means: the record, the version's configuration and the version's name. */
export interface Resolved {
  readonly record: FunctionRecord;
  readonly configuration: FunctionConfiguration;
  readonly version: string;
  readonly reference: FunctionReference;
}

export interface FunctionRegistry {
  create(input: Json, code: Code | undefined): FunctionRecord;
  update(input: Json, code?: Code): FunctionRecord;
  remove(name: string): void;
  resolve(name: unknown, qualifier?: unknown): Resolved;
  find(name: string): FunctionRecord | undefined;
  all(): readonly FunctionRecord[];
}

export const CONFIGURATION_INPUT = [
  'FunctionName',
  'Role',
  'Handler',
  'Runtime',
  'Description',
  'Timeout',
  'MemorySize',
  'Environment',
  'Layers',
  'DeadLetterConfig',
  'TracingConfig',
  'LoggingConfig',
  'EphemeralStorage',
] as const;

const SHOWN = ['Description', 'Architectures', 'TracingConfig', 'LoggingConfig', 'EphemeralStorage'] as const;

export function createFunctionRegistry(kernel: Kernel, account: Account): FunctionRegistry {
  const functions = new Map<string, FunctionRecord>();

  const configure = (
    name: string,
    input: Json,
    code: Code | undefined,
    before?: FunctionConfiguration,
  ): FunctionConfiguration => {
    const runtime: string = input.Runtime ?? before?.runtime ?? 'nodejs20.x';
    if (!/^nodejs\d+\.x$/.test(runtime)) {
      throw new ServiceError(
        'InvalidParameterValueException',
        `The runtime ${runtime} is not supported here: only nodejs`,
      );
    }
    const shown: Record<string, Json> = { ...before?.shown };
    for (const key of SHOWN) if (input[key] !== undefined) shown[key] = input[key];
    return {
      name,
      code,
      role: input.Role ?? before?.role,
      handler: input.Handler ?? before?.handler ?? 'index.handler',
      runtime,
      // "MemorySize: Minimum value of 128. Maximum value of 10240"; "Timeout: The default is 3 seconds. The maximum … 900".
      memoryMb: requireInteger('memorySize', input.MemorySize ?? before?.memoryMb ?? 128, 128, 10_240),
      timeoutSeconds: requireInteger('timeout', input.Timeout ?? before?.timeoutSeconds ?? 3, 1, 900),
      environment: checkEnvironment(input.Environment?.Variables) ?? before?.environment ?? {},
      layers: checkLayers(input.Layers) ?? before?.layers ?? [],
      deadLetterTarget: input.DeadLetterConfig?.TargetArn ?? before?.deadLetterTarget,
      logGroup: input.LoggingConfig?.LogGroup ?? before?.logGroup ?? `/aws/lambda/${name}`,
      lastModified: kernel.clock.now(),
      shown,
    };
  };

  const find = (name: string) => functions.get(name);
  const resolve: FunctionRegistry['resolve'] = (name, qualifier) => {
    const reference = parseFunctionName(name, qualifier);
    const record = functions.get(reference.name);
    if (record === undefined) throw functionNotFound(account, reference);
    if (reference.qualifier === undefined) {
      return { record, configuration: record.latest, version: '$LATEST', reference };
    }
    const version = record.aliases.get(reference.qualifier)?.version ?? reference.qualifier;
    const configuration = version === '$LATEST' ? record.latest : record.versions.get(version);
    if (configuration === undefined) throw functionNotFound(account, reference);
    return { record, configuration, version, reference };
  };

  return {
    find,
    resolve,
    all: () => [...functions.values()],
    create(input, code) {
      const { name } = parseFunctionName(input.FunctionName);
      if (functions.has(name)) {
        throw new ServiceError('ResourceConflictException', `Function already exist: ${name}`, { status: 409 });
      }
      const record: FunctionRecord = {
        name,
        latest: configure(name, input, code),
        versions: new Map(),
        published: 0,
        aliases: new Map(),
        asyncConfigurations: new Map(),
        reservedConcurrency: undefined,
        policy: new Map(),
        running: 0,
      };
      functions.set(name, record);
      return record;
    },
    update(input, code) {
      const { record } = resolve(input.FunctionName);
      record.latest = configure(record.name, input, code ?? record.latest.code, record.latest);
      return record;
    },
    remove(name) {
      functions.delete(name);
    },
  };
}

// "Defined runtime environment variables – Reserved" (Lambda developer guide, environment variables).
const RESERVED =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_DEFAULT_REGION|AWS_REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_FUNCTION_NAME|AWS_LAMBDA_FUNCTION_MEMORY_SIZE|AWS_LAMBDA_FUNCTION_VERSION|AWS_LAMBDA_INITIALIZATION_TYPE|AWS_LAMBDA_LOG_GROUP_NAME|AWS_LAMBDA_LOG_STREAM_NAME|AWS_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_LAMBDA_RUNTIME_API|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR)$/;

function checkEnvironment(variables: Json): Record<string, string> | undefined {
  if (variables === undefined) return undefined;
  const reserved = Object.keys(variables).filter((name) => RESERVED.test(name));
  if (reserved.length > 0) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  const text = JSON.stringify(variables);
  // "The total size of all environment variables doesn't exceed 4 KB."
  if (Buffer.byteLength(text) > 4096) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${text}`,
    );
  }
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
}

function checkLayers(layers: Json): string[] | undefined {
  if (layers === undefined) return undefined;
  // "Function layers: five layers" (Lambda quotas).
  if (layers.length > 5) {
    throw new ServiceError('InvalidParameterValueException', 'Layers consume more than the available size of 5 layers');
  }
  return layers;
}

/** FunctionConfiguration as GetFunctionConfiguration answers it. */
export function showConfiguration(
  account: Account,
  { record, configuration, version, reference }: Resolved,
  code: { readonly size: number; readonly sha256: string },
): Json {
  return {
    FunctionName: record.name,
    FunctionArn: functionArn(account, record.name, reference.qualifier),
    Runtime: configuration.runtime,
    ...(configuration.role !== undefined && { Role: configuration.role }),
    Handler: configuration.handler,
    CodeSize: code.size,
    CodeSha256: code.sha256,
    Description: '',
    Timeout: configuration.timeoutSeconds,
    MemorySize: configuration.memoryMb,
    LastModified: new Date(configuration.lastModified).toISOString().replace('Z', '+0000'),
    Version: version,
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    TracingConfig: { Mode: 'PassThrough' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: configuration.logGroup },
    ...configuration.shown,
    ...(Object.keys(configuration.environment).length > 0 && { Environment: { Variables: configuration.environment } }),
    ...(configuration.layers.length > 0 && { Layers: configuration.layers.map((Arn) => ({ Arn })) }),
    ...(configuration.deadLetterTarget !== undefined && {
      DeadLetterConfig: { TargetArn: configuration.deadLetterTarget },
    }),
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
}

import { availableParallelism } from 'node:os';
import type { Account } from '../cloud.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type CodeStage, measureCode } from './code.ts';
import type { RoleCredentials } from './credentials.ts';
import { startEnvironment } from './environment.ts';
import { createEnvironmentPool, type EnvironmentPool } from './environment-pool.ts';
import type { ExecutionRequest, ExecutionResult, LogLine } from './execution.ts';
import type { FunctionRecord, Resolved } from './function-registry.ts';
import type { LayerRegistry } from './layers.ts';

/** Runs real bundles: stages their code, starts and ends their worker threads. */
export interface FunctionRuntime {
  run(resolved: Resolved, request: ExecutionRequest, log: (line: LogLine) => void): Promise<ExecutionResult>;
  measure(record: FunctionRecord): { readonly size: number; readonly sha256: string };
  /** Ends a function's environments: it was changed or deleted. The next invocation is a cold start. */
  forget(name: string): Promise<void>;
  /** How many environments a function has now. */
  environments(name: string): number;
  stop(): Promise<void>;
}

export interface RuntimeSettings {
  readonly kernel: Kernel;
  readonly account: Account;
  readonly stage: CodeStage;
  readonly layers: LayerRegistry;
  readonly maximum: number;
  readonly idleMs: number;
  credentialsFor(roleArn: string): RoleCredentials;
  endpoint(): string | undefined;
}

export function createFunctionRuntime(settings: RuntimeSettings): FunctionRuntime {
  const pools = new Map<string, { pool: EnvironmentPool; name: string }>();
  const staged = new Map<string, { taskRoot: string; nodePath: string }>();
  const measured = new Map<string, { size: number; sha256: string }>();

  const poolOf = ({ record, configuration, version }: Resolved): EnvironmentPool => {
    const key = `${record.name}:${version}`;
    const existing = pools.get(key);
    if (existing !== undefined) return existing.pool;
    if (record.code === undefined) throw new Error(`the function ${record.name} has no code and no in-process handler`);
    const laid =
      staged.get(record.name) ??
      settings.stage.lay(record.name, record.code, configuration.layers.map(settings.layers.folderOf));
    staged.set(record.name, laid);
    const pool = createEnvironmentPool(settings.kernel, {
      maximum: settings.maximum,
      enough: Math.max(2, availableParallelism()),
      idleMs: settings.idleMs,
      start: () =>
        startEnvironment(settings.kernel, {
          taskRoot: laid.taskRoot,
          handler: configuration.handler,
          runtime: configuration.runtime,
          memoryMb: configuration.memoryMb,
          variables: variablesOf(settings, { configuration, version }, laid),
        }),
    });
    pools.set(key, { pool, name: record.name });
    return pool;
  };

  const forget = async (name: string) => {
    const ending = [...pools].filter(([, entry]) => entry.name === name);
    for (const [key] of ending) pools.delete(key);
    await Promise.all(ending.map(([, entry]) => entry.pool.end()));
    if (staged.delete(name)) settings.stage.remove(name);
    measured.delete(name);
  };

  return {
    run: (resolved, request, log) => poolOf(resolved).run(request, log),
    measure(record) {
      const known = measured.get(record.name);
      if (known !== undefined) return known;
      const measure = record.code === undefined ? { size: 0, sha256: '' } : measureCode(record.code);
      measured.set(record.name, measure);
      return measure;
    },
    forget,
    environments: (name) =>
      [...pools.values()].filter((entry) => entry.name === name).reduce((sum, entry) => sum + entry.pool.size, 0),
    async stop() {
      await Promise.all([...new Set([...pools.values()].map((entry) => entry.name))].map(forget));
      settings.stage.clear();
    },
  };
}

// What the worker needs of this machine; everything else is as the real environment has it.
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot'];

function variablesOf(
  settings: RuntimeSettings,
  { configuration, version }: Pick<Resolved, 'configuration' | 'version'>,
  laid: { taskRoot: string; nodePath: string },
): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) variables[name] = value;
  }
  const credentials = settings.credentialsFor(configuration.role ?? 'root');
  const endpoint = settings.endpoint();
  return {
    ...variables,
    LANG: 'en_US.UTF-8',
    ...configuration.environment,
    AWS_REGION: settings.account.region,
    AWS_DEFAULT_REGION: settings.account.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${configuration.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: configuration.name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName(configuration.lastModified, version),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    ...(endpoint !== undefined && { AWS_ENDPOINT_URL: endpoint }),
    // The SDK would warn of this machine's Node, which is not the function's.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    LAMBDA_TASK_ROOT: laid.taskRoot,
    NODE_PATH: laid.nodePath,
    _HANDLER: configuration.handler,
  };
}

export function logStreamName(at: number, version: string): string {
  return `${new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')}/[${version}]local`;
}

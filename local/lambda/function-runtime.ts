import { availableParallelism } from 'node:os';
import type { Account } from '../cloud.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type Code, type CodeStage, measureCode } from './code.ts';
import type { RoleCredentials } from './credentials.ts';
import { startEnvironment } from './environment.ts';
import { createEnvironmentPool, type EnvironmentPool } from './environment-pool.ts';
import type { ExecutionRequest, ExecutionResult, LogLine } from './execution.ts';
import type { Resolved } from './function-registry.ts';
import type { LayerRegistry } from './layers.ts';

/** Runs real bundles: stages their code, starts and ends their worker threads. */
export interface FunctionRuntime {
  run(resolved: Resolved, request: ExecutionRequest, log: (line: LogLine) => void): Promise<ExecutionResult>;
  measure(code: Code | undefined): { readonly size: number; readonly sha256: string };
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
  const pools = new Map<string, { pool: EnvironmentPool; name: string; folder: string }>();
  const measured = new WeakMap<Code, { size: number; sha256: string }>();

  const poolOf = ({ record, configuration, version }: Resolved): EnvironmentPool => {
    const key = `${record.name}:${version}`;
    const existing = pools.get(key);
    if (existing !== undefined) return existing.pool;
    if (configuration.code === undefined)
      throw new Error(`the function ${record.name} has no code and no in-process handler`);
    const laid = settings.stage.lay(
      folderOf(record.name, version),
      configuration.code,
      configuration.layers.map(settings.layers.folderOf),
    );
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
    pools.set(key, { pool, name: record.name, folder: folderOf(record.name, version) });
    return pool;
  };

  const forget = async (name: string) => {
    const ending = [...pools].filter(([, entry]) => entry.name === name);
    for (const [key] of ending) pools.delete(key);
    await Promise.all(ending.map(([, entry]) => entry.pool.end()));
    for (const [, entry] of ending) settings.stage.remove(entry.folder);
  };

  return {
    run: (resolved, request, log) => poolOf(resolved).run(request, log),
    measure(code) {
      if (code === undefined) return { size: 0, sha256: '' };
      const measure = measured.get(code) ?? measureCode(code);
      measured.set(code, measure);
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

const folderOf = (name: string, version: string) => (version === '$LATEST' ? name : `${name}@${version}`);

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

const DAY_MS = 86_400_000;
/** The last day that was asked for, as text: every invocation asks. */
let written = { day: Number.NaN, text: '' };

export function logStreamName(at: number, version: string): string {
  const day = Math.floor(at / DAY_MS);
  if (day !== written.day) written = { day, text: new Date(at).toISOString().slice(0, 10).replaceAll('-', '/') };
  return `${written.text}/[${version}]local`;
}

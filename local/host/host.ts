import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChaos } from '../chaos/chaos.ts';
import { readPlan } from '../chaos/read-plan.ts';
import { type Account, type Caller, type Cloud, createCloud, type Json, ROOT, type TraceEntry } from '../cloud.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { realKernel } from '../kernel/real-kernel.ts';
import { handleS3Request } from '../s3/http.ts';
import { watchActivity } from './activity.ts';
import { readAssembly } from './assembly.ts';
import { createCloudFormation, createSts } from './cloudformation.ts';
import { lockData } from './data-lock.ts';
import { type DeployedResource, type DeployedStack, deploy } from './deploy.ts';
import { hideMissingKeys } from './hide-missing-keys.ts';
import { startHttp } from './http.ts';
import { createIam } from './iam.ts';
import { journalFile } from './journal-file.ts';
import { keepCalls } from './kept-calls.ts';
import { keepStacks } from './kept-stacks.ts';
import {
  createServices,
  requirePackages,
  resourcePolicyOf,
  SERVICE_RESOURCES,
  type Services,
  stopServices,
} from './services.ts';

export interface StartLocalOptions {
  /** A folder with a cloud assembly, as `cdk synth` or `synthesize` leaves it. */
  readonly assembly: string;
  /** From where functions' native packages (layers) are looked up. Default: the working directory. */
  readonly appDirectory?: string;
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /**
   * Where everything is kept across restarts, ended in good order or by `kill -9`. Default: all is in memory, but for S3's
   * objects, which are in a temporary folder that is removed at the end.
   */
  readonly data?: string;
  /** With `data`: its journal is written anew when it has grown by so many bytes, and by its own size. Default: 64 MiB. */
  readonly compactAfterBytes?: number;
  /** No delivery stream's buffer waits longer, in milliseconds. Default: as its buffering hints say, a minute or more. */
  readonly deliverWithinMs?: number;
  /** Faults, by chance from the seed: of every service, or only those named as `readPlan` reads them. Default: none. */
  readonly chaos?: { readonly seed: number; readonly only?: string | undefined };
  /** Time, chance and waiting. Default: the real ones. */
  readonly kernel?: Kernel;
  /** What a person should read: functions' log lines, and defects of the runtime itself. Default: nobody. */
  readonly log?: (line: string) => void;
  /** What flows where, as it flows. */
  readonly onTrace?: (entry: TraceEntry) => void;
}

/** One hosted stack, as programs look things up in it. */
export interface LocalStack {
  readonly outputs: Readonly<Record<string, string>>;
  /** Physical name (what `Ref` gives) by logical id. */
  readonly resources: Readonly<Record<string, string>>;
  /** Physical name by construct path, with and without a last `/Resource`: `Bank/Daybook/Hot/Events`. */
  readonly byPath: Readonly<Record<string, string>>;
  readonly details: readonly DeployedResource[];
}

export interface LocalRuntime {
  /** For AWS_ENDPOINT_URL, such as `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  readonly account: Account;
  readonly stacks: Readonly<Record<string, LocalStack>>;
  readonly cloud: Cloud;
  readonly services: Services;
  /** What a client in another process needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Delivers now what waits in delivery streams' buffers. */
  flush(): Promise<void>;
  /**
   * Resolves once nothing flows any more: no state machine runs, and there was no call but polling for as long as the
   * longest batching window of the template. A failed batch that waits for its next attempt counts as nothing.
   */
  idle(): Promise<void>;
  /** With `chaos`: how often each fault struck, by `service:fault`. */
  struck(): Readonly<Record<string, number>>;
  /** Ends everything and frees the port; calls that are under way are cut off. */
  stop(): Promise<void>;
}

/**
 * Hosts a synthesized CDK app on this machine: its tables, functions, queues, pipes, rules, state machines, behind one
 * loopback port that speaks the AWS protocols.
 *
 * @throws HostError `local.unsupported` when the template holds what the runtime does not have, everything named.
 * @example
 * const { directory } = await synthesize('app.ts');
 * const runtime = await startLocal({ assembly: directory });
 * const client = new DynamoDBClient({ endpoint: runtime.endpoint, region: runtime.account.region, credentials });
 * await runtime.stop();
 */
export async function startLocal(options: StartLocalOptions): Promise<LocalRuntime> {
  const log = options.log ?? (() => {});
  const defect = (error: unknown) =>
    log(`runtime: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const assembly = readAssembly(options.assembly);
  const resources = assembly.stacks.flatMap(({ template }) => Object.values<Json>(template.Resources ?? {}));
  requirePackages(new Set(resources.map(({ Type }) => Type)));
  const ownKernel = options.kernel === undefined ? realKernel({ onError: defect }) : undefined;
  const kernel = options.kernel ?? ownKernel!;
  const activity = watchActivity(createCloud(kernel, assembly.account), assembly);
  const chaos =
    options.chaos === undefined ? undefined : createChaos(options.chaos.seed, readPlan(options.chaos.only), kernel);
  const cloud = chaos === undefined ? activity.cloud : chaos.inside(activity.cloud);
  if (options.onTrace !== undefined) cloud.trace.subscribe(options.onTrace);
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'daybook-data-'));
  const unlock = options.data === undefined ? undefined : await lockData(data);
  const journal = options.data === undefined ? undefined : journalFile(join(data, 'journal.jsonl'), options);

  let stacks: readonly DeployedStack[] = [];
  const services = createServices(cloud, {
    dir: data,
    journal,
    log: (entry) => log(`${entry.functionName}: ${entry.text}`),
    deliverWithinMs: options.deliverWithinMs,
    appDirectory: options.appDirectory,
  });
  const kept = keepStacks(journal);
  const calls = journal && keepCalls(journal, log);
  const iam = createIam(assembly.account, (arn) => resourcePolicyOf(services, arn), log);
  cloud.register(hideMissingKeys(services.s3, iam.authorize));
  cloud.register(createCloudFormation(() => stacks));
  cloud.register(createSts(assembly.account));
  cloud.setAuthorize(iam.authorize);
  const close = async () => {
    // From here on it is as after `kill -9`: what is cut off now is done again at the next start.
    journal?.close();
    await stopServices(services);
    ownKernel?.stop();
    if (options.data === undefined) rmSync(data, { recursive: true, force: true });
    unlock?.();
  };
  try {
    journal?.open();
  } catch (error) {
    await close();
    throw error;
  }
  const door = chaos === undefined ? cloud : chaos.outside(activity.cloud);
  const entrance = calls === undefined ? door : calls.keeping(door);
  if (chaos !== undefined) {
    services.kinesis.intercept(chaos.putFaults);
    services.dynamodb.setFaults({ leaves: chaos.leaves });
  }
  const front = await startHttp({
    cloud: entrance,
    port: options.port,
    roleOfAccessKey: iam.roleOfAccessKey,
    s3: (request, caller: Caller) =>
      handleS3Request(request, (operation, input) => entrance.call(caller, 's3', operation, input)),
    defect,
  }).catch(async (error) => {
    await close();
    throw error;
  });
  const stop = async () => {
    const cutOff = front.stop();
    journal?.close();
    await cutOff;
    await close();
  };
  try {
    services.lambda.setEndpoint(front.endpoint);
    services.sqs.setEndpoint(front.endpoint);
    stacks = await deploy(assembly, cloud, iam, [...iam.resources, ...SERVICE_RESOURCES], kept, log);
    await calls?.repeat(cloud, kept.updated());
    journal?.resume();
    chaos?.begin();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: front.endpoint,
    account: assembly.account,
    stacks: Object.fromEntries(stacks.map((stack) => [stack.stackName, showStack(stack)])),
    cloud,
    services,
    environment: {
      AWS_ENDPOINT_URL: front.endpoint,
      AWS_REGION: assembly.account.region,
      AWS_DEFAULT_REGION: assembly.account.region, // as boto3 and the AWS CLI call it
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    flush: () => services.firehose.flush(),
    async idle() {
      do await activity.idle();
      while (await isAnyRunning(cloud));
    },
    struck: () => chaos?.struck() ?? {},
    stop,
  };
}

async function isAnyRunning(cloud: Cloud): Promise<boolean> {
  const { stateMachines } = await cloud.call(ROOT, 'states', 'ListStateMachines', {});
  for (const { stateMachineArn, type } of stateMachines) {
    if (type === 'EXPRESS') continue; // "ListExecutions is not supported by express state machines"
    const input = { stateMachineArn, statusFilter: 'RUNNING', maxResults: 1 };
    const { executions } = await cloud.call(ROOT, 'states', 'ListExecutions', input);
    if (executions.length > 0) return true;
  }
  return false;
}

function showStack(stack: DeployedStack): LocalStack {
  const byPath: Record<string, string> = {};
  for (const { path, physicalId } of stack.resources) {
    if (path === undefined) continue;
    byPath[path] = physicalId;
    if (path.endsWith('/Resource')) byPath[path.slice(0, -'/Resource'.length)] ??= physicalId;
  }
  return {
    outputs: Object.fromEntries(stack.outputs.map(({ key, value }) => [key, value])),
    resources: Object.fromEntries(stack.resources.map(({ logicalId, physicalId }) => [logicalId, physicalId])),
    byPath,
    details: stack.resources,
  };
}

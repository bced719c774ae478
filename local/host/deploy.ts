import { readFileSync } from 'node:fs';
import { type Cloud, type Json, ROOT } from '../cloud.ts';
import type { Created, ResourceProvider } from '../resource.ts';
import type { Assembly } from './assembly.ts';
import { HostError } from './errors.ts';
import type { Iam } from './iam.ts';
import { unsupportedInPolicy } from './iam-policy.ts';
import { type KeptResource, type KeptStacks, keepStacks } from './kept-stacks.ts';
import { generatedName } from './names.ts';
import { type Output, openTemplate, type Template, type TemplateResource, unsupportedIn } from './template.ts';
import { WITHOUT_EFFECT } from './without-effect.ts';

export interface DeployedResource {
  readonly logicalId: string;
  readonly type: string;
  /** What `Ref` gives: the name, URL or ARN that the service calls it by. */
  readonly physicalId: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The construct's path in the CDK app, such as `Bank/Daybook/Events/Resource`. */
  readonly path: string | undefined;
  /** Why nothing acts on it here, if so. */
  readonly withoutEffect: string | undefined;
}

export interface DeployedStack {
  readonly stackName: string;
  readonly stackId: string;
  readonly description: string | undefined;
  readonly template: Json;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly outputs: readonly Output[];
  readonly resources: readonly DeployedResource[];
}

interface Site {
  readonly assembly: Assembly;
  readonly cloud: Cloud;
  readonly iam: Iam;
  readonly providers: ReadonlyMap<string, ResourceProvider>;
  readonly exports: Map<string, string>;
  readonly kept: KeptStacks;
  readonly say: (line: string) => void;
  readonly stacks: DeployedStack[];
}

interface StackSource {
  readonly stackName: string;
  readonly template: Json;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly paths: ReadonlyMap<string, string>;
}

const NESTED = 'AWS::CloudFormation::Stack';
const NESTED_PROPERTIES = new Set(['TemplateURL', 'Parameters', 'Tags', 'TimeoutInMinutes']);

/**
 * Makes every stack of an assembly. What the runtime does not have is found before anything is made, and said all at
 * once. On kept data it is an update: what is there already is brought to what the template says now.
 */
export async function deploy(
  assembly: Assembly,
  cloud: Cloud,
  iam: Iam,
  providers: readonly ResourceProvider[],
  kept: KeptStacks = keepStacks(undefined),
  say: (line: string) => void = () => {},
): Promise<DeployedStack[]> {
  const site: Site = {
    assembly,
    cloud,
    iam,
    providers: new Map(providers.map((provider) => [provider.type, provider])),
    exports: new Map(),
    kept,
    say,
    stacks: [],
  };
  const problems = assembly.stacks.flatMap((stack) => problemsOf(site, stack, stack.stackName));
  if (problems.length > 0) throw new HostError('local.unsupported', { problems });
  for (const stack of assembly.stacks) await deployStack(site, stack);
  for (const stackName of kept.stackNames()) await removeOthers(site, stackName);
  return site.stacks;
}

function problemsOf(site: Site, stack: StackSource, where: string): string[] {
  const problems = unsupportedIn(stack.template);
  if (problems.length === 0) {
    const template = open(site, stack);
    for (const resource of template.resources) {
      for (const problem of problemsOfResource(site, template, resource)) {
        problems.push(
          problem.startsWith(resource.logicalId) ? problem : `${resource.logicalId} (${resource.type}): ${problem}`,
        );
      }
    }
  }
  return problems.map((problem) => (problem.startsWith(`${where}/`) ? problem : `${where}/${problem}`));
}

function problemsOfResource(site: Site, template: Template, resource: TemplateResource): string[] {
  const { type, properties, logicalId } = resource;
  const provider = site.providers.get(type);
  const policies = documentsIn(properties).flatMap(unsupportedInPolicy);
  if (provider !== undefined) {
    const known = new Set(
      [...provider.properties, ...Object.keys(provider.without ?? {})].map((name) => name.split('.')[0]),
    );
    const unknown = Object.keys(properties).filter((name) => !known.has(name));
    return [...unknown.map((name) => `property ${name}`), ...policies];
  }
  if (type === NESTED) {
    const unknown = Object.keys(properties).filter((name) => !NESTED_PROPERTIES.has(name));
    if (unknown.length > 0) return unknown.map((name) => `property ${name}`);
    const inner = nestedSource(site, template, resource, {});
    const withValues = {
      ...inner,
      parameters: Object.fromEntries(Object.keys(inner.template.Parameters ?? {}).map((name) => [name, 'x'])),
    };
    return problemsOf(site, withValues, logicalId);
  }
  return WITHOUT_EFFECT[type] === undefined ? ['resource type'] : policies;
}

/** Policy documents wherever a resource holds them: objects with statements that have an effect. */
function documentsIn(value: Json, found: Json[] = []): Json[] {
  if (value === null || typeof value !== 'object') return found;
  const statements = [value.Statement ?? []].flat();
  if (statements.some((statement: Json) => typeof statement?.Effect === 'string')) found.push(value);
  else for (const inner of Object.values(value)) documentsIn(inner, found);
  return found;
}

function open(site: Site, stack: StackSource): Template {
  return openTemplate({
    stackName: stack.stackName,
    template: stack.template,
    account: site.assembly.account,
    parameters: stack.parameters,
    importValue(name) {
      const value = site.exports.get(name);
      if (value === undefined) throw new Error(`no stack made before this one exports ${name}`);
      return value;
    },
  });
}

async function deployStack(site: Site, stack: StackSource): Promise<DeployedStack> {
  const template = open(site, stack);
  const resources: DeployedResource[] = [];
  for (const resource of template.resources) {
    const properties = template.propertiesOf(resource);
    let created: Created;
    try {
      created = await createOrUpdate(site, stack, template, resource, properties);
    } catch (error) {
      if (error instanceof HostError) throw error;
      const { code, message } = error as { code?: string; message: string };
      const reason = code === undefined ? message : `${code}: ${message}`;
      const { logicalId, type } = resource;
      throw new HostError('local.createFailed', { stack: stack.stackName, logicalId, type, reason }, { cause: error });
    }
    template.made(resource.logicalId, created);
    resources.push({
      logicalId: resource.logicalId,
      type: resource.type,
      physicalId: created.ref,
      attributes: created.attributes,
      path: stack.paths.get(resource.logicalId),
      withoutEffect: site.providers.has(resource.type) ? undefined : WITHOUT_EFFECT[resource.type]?.reason,
    });
  }
  const outputs = template.outputs();
  for (const { exportName, value } of outputs) if (exportName !== undefined) site.exports.set(exportName, value);
  const deployed: DeployedStack = {
    stackName: stack.stackName,
    stackId: template.stackId,
    description: template.description,
    template: stack.template,
    parameters: Object.fromEntries([...template.parameters].map(([name, value]) => [name, String(value)])),
    tags: stack.tags,
    createdAt: site.kept.createdAt(stack.stackName, site.cloud.kernel.clock.now()),
    outputs,
    resources,
  };
  site.stacks.push(deployed);
  return deployed;
}

async function createOrUpdate(
  site: Site,
  stack: StackSource,
  template: Template,
  resource: TemplateResource,
  properties: Json,
): Promise<Created> {
  const { type, logicalId } = resource;
  const before = site.kept.find(stack.stackName, logicalId);
  const same = before?.type === type ? before : undefined;
  const replaces = same !== undefined && isReplacedBy(site, same, properties);
  const generation = (before?.generation ?? 0) + (replaces ? 1 : 0);
  const name = generatedName(type, stack.stackName, logicalId, properties, generation);
  const unchanged =
    same !== undefined && JSON.stringify(same.properties) === JSON.stringify(properties) ? same.created : undefined;
  const created = await create(site, stack, template, resource, properties, name, unchanged);
  if (site.providers.has(type)) {
    if (before !== undefined && !MADE_ANEW.test(type) && idOf(before.created) !== idOf(created))
      await leave(site, before);
    site.kept.made(stack.stackName, logicalId, { type, properties, created, generation });
  }
  return created;
}

/** A queue's reference holds the port, which may be another one now. */
const idOf = ({ ref, attributes }: Created): string => attributes.Arn ?? ref;

/** As CloudFormation does, a name that was chosen can't be given to a replacement. */
function isReplacedBy(site: Site, { type, properties: before }: KeptResource, properties: Json): boolean {
  const [name, ...others] = site.providers.get(type)?.replacedBy ?? [];
  const differs = (property: string) => JSON.stringify(before[property]) !== JSON.stringify(properties[property]);
  if (name === undefined || differs(name)) return false; // another name is another resource anyway
  const changed = others.filter(differs);
  if (changed.length > 0 && properties[name] !== undefined) {
    throw new Error(
      `CloudFormation cannot update a stack when a custom-named resource requires replacing (${changed.join(', ')} changed). Rename ${properties[name]} and update the stack again.`,
    );
  }
  return changed.length > 0;
}

/** What the template had at the last start and has no more. */
async function removeOthers(site: Site, stackName: string): Promise<void> {
  const deployed = site.stacks.find((stack) => stack.stackName === stackName);
  const there = new Set(deployed?.resources.map(({ logicalId }) => logicalId));
  for (const logicalId of site.kept.idsOf(stackName)) {
    if (there.has(logicalId)) continue;
    await leave(site, site.kept.find(stackName, logicalId)!);
    site.kept.forget(stackName, logicalId);
  }
}

/** Types whose resources are made from the template at each start, so that those it does not have are gone anyway. */
const MADE_ANEW = /^AWS::(IAM|Lambda|Pipes|KinesisFirehose)::/;

async function leave(site: Site, { type, created }: KeptResource): Promise<void> {
  const remove = site.providers.get(type)?.remove;
  await remove?.(created, { cloud: site.cloud, caller: ROOT });
  const gone = remove !== undefined || MADE_ANEW.test(type);
  site.say(
    `template: ${created.ref} (${type}) is no more in the template: ${gone ? 'it was removed' : 'it is left as it is'}`,
  );
}

async function create(
  site: Site,
  stack: StackSource,
  template: Template,
  resource: TemplateResource,
  properties: Json,
  name: string,
  unchanged: Created | undefined,
): Promise<Created> {
  const { logicalId, type } = resource;
  if (type === NESTED) {
    const inner = await deployStack(site, nestedSource(site, template, resource, properties.Parameters ?? {}));
    const outputs = inner.outputs.map(({ key, value }) => [`Outputs.${key}`, value]);
    return { ref: inner.stackId, attributes: Object.fromEntries(outputs) };
  }
  for (const [roleArn, service] of rolesIn(type, properties)) site.iam.assertAssumable(roleArn, service);
  const provider = site.providers.get(type);
  if (provider === undefined) {
    return WITHOUT_EFFECT[type]!.create(properties, { generatedName: name, logicalId, account: site.assembly.account });
  }
  return await provider.create(properties, {
    cloud: site.cloud,
    stackName: stack.stackName,
    logicalId,
    generatedName: name,
    assetPath: site.assembly.assetPath,
    caller: ROOT,
    unchanged,
  });
}

/** A nested stack's template is an asset; `TemplateURL` is `https://s3.<region>.<suffix>/<bucket>/<key>`. */
function nestedSource(
  site: Site,
  template: Template,
  resource: TemplateResource,
  parameters: Record<string, Json>,
): StackSource {
  const url = String(template.evaluate(resource.properties.TemplateURL));
  const [, bucket, key] = url.match(/^https:\/\/s3\.[^/]+\/([^/]+)\/(.+)$/) ?? [];
  if (bucket === undefined || key === undefined) throw new Error(`TemplateURL ${url} is no asset of the assembly`);
  const inner = JSON.parse(readFileSync(site.assembly.assetPath(bucket, key), 'utf8'));
  const paths = new Map<string, string>();
  for (const [logicalId, { Metadata }] of Object.entries<Json>(inner.Resources ?? {})) {
    if (Metadata?.['aws:cdk:path'] !== undefined) paths.set(logicalId, Metadata['aws:cdk:path']);
  }
  const stackName = generatedName(NESTED, template.stackName, resource.logicalId);
  return { stackName, template: inner, parameters, tags: {}, paths };
}

/** Which service acts as the roles that a resource of this type names. */
const ACTS_AS: Readonly<Record<string, string>> = {
  'AWS::Lambda::Function': 'lambda.amazonaws.com',
  'AWS::Pipes::Pipe': 'pipes.amazonaws.com',
  'AWS::StepFunctions::StateMachine': 'states.amazonaws.com',
  'AWS::KinesisFirehose::DeliveryStream': 'firehose.amazonaws.com',
  'AWS::Events::Rule': 'events.amazonaws.com',
};

function rolesIn(type: string, properties: Json): [roleArn: string, service: string][] {
  const service = ACTS_AS[type];
  if (service === undefined) return [];
  const found = new Set<string>();
  const visit = (value: Json, depth: number) => {
    if (value === null || typeof value !== 'object') return;
    for (const [key, inner] of Object.entries<Json>(value)) {
      const isRole = key === 'RoleArn' || key === 'RoleARN' || (key === 'Role' && depth === 0);
      if (isRole && typeof inner === 'string') found.add(inner);
      else visit(inner, depth + 1);
    }
  };
  visit(properties, 0);
  return [...found].map((roleArn) => [roleArn, service]);
}

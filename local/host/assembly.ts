import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Account, type Json, LOCAL_ACCOUNT } from '../cloud.ts';
import { HostError } from './errors.ts';

/** One stack of a cloud assembly, as `cdk synth` wrote it. */
export interface AssemblyStack {
  readonly id: string;
  readonly stackName: string;
  readonly template: Json;
  /** Parameters that the app itself gives. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Construct path of a logical id, such as `Bank/Daybook/Events/Resource`. */
  readonly paths: ReadonlyMap<string, string>;
}

export interface Assembly {
  readonly directory: string;
  readonly account: Account;
  /** Each stack after those that it needs. */
  readonly stacks: readonly AssemblyStack[];
  /** The folder or file that `bucket`/`key` was synthesized to. */
  assetPath(bucket: string, key: string): string;
}

interface Artifact {
  readonly id: string;
  readonly directory: string;
  readonly artifact: Json;
}

/** Reads a cloud assembly: its stacks in the order in which they can be made, and where its assets lie. */
export function readAssembly(directory: string): Assembly {
  const root = resolve(directory);
  const artifacts = readArtifacts(root);
  const stacks = inOrder(
    artifacts.filter(({ artifact }) => artifact.type === 'aws:cloudformation:stack'),
    artifacts,
  );
  const account = accountOf(stacks);
  const assets = readAssets(artifacts, account);
  return {
    directory: root,
    account,
    stacks: stacks.map(readStack),
    assetPath(bucket, key) {
      const path = assets.get(`${bucket}/${key}`);
      if (path === undefined) throw new HostError('local.noAsset', { bucket, key });
      return path;
    },
  };
}

function readArtifacts(directory: string): Artifact[] {
  const file = join(directory, 'manifest.json');
  if (!existsSync(file)) throw new HostError('local.noAssembly', { directory });
  const manifest = readJson(file);
  const found: Artifact[] = [];
  for (const [id, artifact] of Object.entries<Json>(manifest.artifacts ?? {})) {
    if (artifact.type === 'cdk:cloud-assembly') {
      found.push(...readArtifacts(join(directory, artifact.properties.directoryName)));
    } else {
      found.push({ id, directory, artifact });
    }
  }
  return found;
}

function readStack({ id, directory, artifact }: Artifact): AssemblyStack {
  const template = readJson(join(directory, artifact.properties.templateFile));
  const metadata = {
    ...artifact.metadata,
    ...(artifact.additionalMetadataFile !== undefined && readJson(join(directory, artifact.additionalMetadataFile))),
  };
  const paths = new Map<string, string>();
  for (const [path, entries] of Object.entries<Json>(metadata)) {
    for (const entry of entries) if (entry.type === 'aws:cdk:logicalId') paths.set(entry.data, path.replace(/^\//, ''));
  }
  for (const [logicalId, resource] of Object.entries<Json>(template.Resources ?? {})) {
    const path = resource.Metadata?.['aws:cdk:path'];
    if (path !== undefined) paths.set(logicalId, path);
  }
  return {
    id,
    stackName: artifact.properties.stackName ?? id,
    template,
    parameters: artifact.properties.parameters ?? {},
    tags: artifact.properties.tags ?? {},
    paths,
  };
}

/** Depth first along `dependencies`; the manifest's own order where nothing else decides. */
function inOrder(stacks: readonly Artifact[], all: readonly Artifact[]): Artifact[] {
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const ordered = new Set<Artifact>();
  const visit = (entry: Artifact | undefined) => {
    if (entry === undefined || ordered.has(entry)) return;
    for (const dependency of entry.artifact.dependencies ?? []) visit(byId.get(dependency));
    ordered.add(entry);
  };
  for (const stack of stacks) visit(stack);
  return [...ordered].filter((entry) => stacks.includes(entry));
}

/** Stacks without an environment live in the local account; one that names its account or region decides it for all. */
function accountOf(stacks: readonly Artifact[]): Account {
  const environments = new Set<string>();
  for (const { artifact } of stacks) {
    const [account, region] = String(artifact.environment ?? '')
      .replace(/^aws:\/\//, '')
      .split('/');
    const accountId =
      account === undefined || account === '' || account === 'unknown-account' ? LOCAL_ACCOUNT.accountId : account;
    const here = region === undefined || region === 'unknown-region' ? LOCAL_ACCOUNT.region : region;
    environments.add(`${accountId}/${here}`);
  }
  if (environments.size > 1) throw new HostError('local.environments', { environments: [...environments] });
  const [accountId, region] = ([...environments][0] ?? '').split('/');
  return { accountId: accountId || LOCAL_ACCOUNT.accountId, region: region ?? LOCAL_ACCOUNT.region };
}

function readAssets(artifacts: readonly Artifact[], account: Account): Map<string, string> {
  const found = new Map<string, string>();
  const values: Readonly<Record<string, string>> = {
    AccountId: account.accountId,
    Region: account.region,
    Partition: 'aws',
  };
  const filled = (text: string) => text.replace(/\$\{AWS::(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  for (const { directory, artifact } of artifacts) {
    if (artifact.type !== 'cdk:asset-manifest') continue;
    const manifest = readJson(join(directory, artifact.properties.file));
    for (const asset of Object.values<Json>(manifest.files ?? {})) {
      if (asset.source.path === undefined) continue; // made by a command when it is published
      for (const destination of Object.values<Json>(asset.destinations)) {
        found.set(
          `${filled(destination.bucketName)}/${filled(destination.objectKey)}`,
          resolve(directory, asset.source.path),
        );
      }
    }
  }
  return found;
}

const readJson = (file: string): Json => JSON.parse(readFileSync(file, 'utf8'));

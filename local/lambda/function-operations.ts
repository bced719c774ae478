import { type Caller, type Cloud, type Json, ServiceError } from '../cloud.ts';
import { functionArn } from './function-name.ts';
import {
  CONFIGURATION_INPUT,
  type FunctionRecord,
  type FunctionRegistry,
  showConfiguration,
} from './function-registry.ts';
import type { FunctionRuntime } from './function-runtime.ts';
import type { LayerRegistry } from './layers.ts';
import { addPermission, policyOf } from './policy.ts';
import { refuseUnknown } from './unsupported.ts';
import { codeOf } from './uploaded-code.ts';

export type Operations = Readonly<Record<string, (input: Json, caller: Caller) => Json | Promise<Json>>>;

/** Functions, their versions, aliases, permissions, concurrency and layers: everything but invoking. */
export function functionOperations(
  cloud: Cloud,
  registry: FunctionRegistry,
  runtime: FunctionRuntime,
  layers: LayerRegistry,
): Operations {
  const { account } = cloud;
  const show = (name: unknown, qualifier?: unknown) => {
    const resolved = registry.resolve(name, qualifier);
    return showConfiguration(account, resolved, runtime.measure(resolved.configuration.code));
  };
  const alias = (input: Json, name: string) => {
    const { record } = registry.resolve(input.FunctionName);
    const found = record.aliases.get(name);
    if (found === undefined) {
      throw new ServiceError(
        'ResourceNotFoundException',
        `Cannot find alias arn: ${functionArn(account, record.name, name)}`,
        { status: 404, fields: { Type: 'User' } },
      );
    }
    return {
      AliasArn: functionArn(account, record.name, name),
      Name: name,
      FunctionVersion: found.version,
      Description: found.description,
    };
  };
  const putAlias = (operation: string, input: Json) => {
    refuseUnknown(operation, input, ['FunctionName', 'Name', 'FunctionVersion', 'Description']);
    const { record } = registry.resolve(input.FunctionName);
    const before = record.aliases.get(input.Name);
    const version: string = input.FunctionVersion ?? before?.version;
    registry.resolve(input.FunctionName, version);
    record.aliases.set(input.Name, { version, description: input.Description ?? before?.description ?? '' });
    return alias(input, input.Name);
  };

  return {
    async CreateFunction(input, caller) {
      refuseUnknown('CreateFunction', input, [
        ...CONFIGURATION_INPUT,
        'Code',
        'Architectures',
        'PackageType',
        'Publish',
        'Tags',
      ]);
      if (input.PackageType !== undefined && input.PackageType !== 'Zip') {
        throw new ServiceError(
          'InvalidParameterValueException',
          'CreateFunction: PackageType Image is not supported here',
        );
      }
      for (const layer of input.Layers ?? []) layers.folderOf(layer);
      requireForCode(input);
      const code = await codeOf(cloud, caller, 'CreateFunction', input.Code);
      const record = registry.create(input, code);
      cloud.trace.note('lambda', 'function created', { function: record.name });
      return input.Publish === true ? show(record.name, publish(record)) : show(record.name);
    },
    GetFunction(input) {
      refuseUnknown('GetFunction', input, ['FunctionName', 'Qualifier']);
      const { record, configuration } = registry.resolve(input.FunctionName, input.Qualifier);
      const { code } = configuration;
      return {
        Configuration: show(input.FunctionName, input.Qualifier),
        Code: {
          RepositoryType: 'Local',
          ...(code !== undefined && 'folder' in code && { Location: code.folder }),
        },
        ...(record.reservedConcurrency !== undefined && {
          Concurrency: { ReservedConcurrentExecutions: record.reservedConcurrency },
        }),
      };
    },
    GetFunctionConfiguration(input) {
      refuseUnknown('GetFunctionConfiguration', input, ['FunctionName', 'Qualifier']);
      return show(input.FunctionName, input.Qualifier);
    },
    ListFunctions(input) {
      refuseUnknown('ListFunctions', input, ['MaxItems', 'Marker']);
      const names = registry.all().map((record) => record.name);
      const start = input.Marker === undefined ? 0 : Number(input.Marker);
      const page = names.slice(start, start + (input.MaxItems ?? 50));
      const next = start + page.length;
      return {
        Functions: page.map((name) => show(name)),
        ...(next < names.length && { NextMarker: String(next) }),
      };
    },
    async UpdateFunctionConfiguration(input) {
      refuseUnknown('UpdateFunctionConfiguration', input, CONFIGURATION_INPUT);
      for (const layer of input.Layers ?? []) layers.folderOf(layer);
      const record = registry.update(input);
      await runtime.forget(record.name);
      return show(record.name);
    },
    async UpdateFunctionCode(input, caller) {
      const { FunctionName, Publish, DryRun, Architectures, ...source } = input;
      const { record } = registry.resolve(FunctionName);
      const code = await codeOf(cloud, caller, 'UpdateFunctionCode', source);
      // "DryRun: Set to true to validate the request parameters and access permissions without modifying the function code."
      if (DryRun === true) return show(record.name);
      registry.update({ FunctionName: record.name, Architectures }, code);
      await runtime.forget(record.name);
      return Publish === true ? show(record.name, publish(record)) : show(record.name);
    },
    async DeleteFunction(input) {
      refuseUnknown('DeleteFunction', input, ['FunctionName', 'Qualifier']);
      const { record, reference } = registry.resolve(input.FunctionName, input.Qualifier);
      if (reference.qualifier !== undefined) {
        record.versions.delete(reference.qualifier);
        return {};
      }
      registry.remove(record.name);
      await runtime.forget(record.name);
      return {};
    },

    PublishVersion(input) {
      refuseUnknown('PublishVersion', input, ['FunctionName', 'Description', 'CodeSha256']);
      const { record } = registry.resolve(input.FunctionName);
      return show(record.name, publish(record));
    },
    ListVersionsByFunction(input) {
      refuseUnknown('ListVersionsByFunction', input, ['FunctionName']);
      const { record } = registry.resolve(input.FunctionName);
      return {
        Versions: [show(record.name), ...[...record.versions.keys()].map((version) => show(record.name, version))],
      };
    },
    CreateAlias: (input) => putAlias('CreateAlias', input),
    UpdateAlias: (input) => putAlias('UpdateAlias', input),
    GetAlias: (input) => alias(input, input.Name),
    ListAliases(input) {
      refuseUnknown('ListAliases', input, ['FunctionName']);
      const { record } = registry.resolve(input.FunctionName);
      return { Aliases: [...record.aliases.keys()].map((name) => alias(input, name)) };
    },
    DeleteAlias(input) {
      registry.resolve(input.FunctionName).record.aliases.delete(input.Name);
      return {};
    },

    AddPermission(input) {
      const { record, reference } = registry.resolve(input.FunctionName, input.Qualifier);
      return { Statement: JSON.stringify(addPermission(account, record, reference.qualifier, input)) };
    },
    RemovePermission(input) {
      refuseUnknown('RemovePermission', input, ['FunctionName', 'StatementId', 'Qualifier']);
      const { record } = registry.resolve(input.FunctionName);
      if (!record.policy.delete(input.StatementId)) {
        throw new ServiceError(
          'ResourceNotFoundException',
          `Statement ${input.StatementId} is not found in resource policy.`,
          { status: 404, fields: { Type: 'User' } },
        );
      }
      return {};
    },
    GetPolicy(input) {
      refuseUnknown('GetPolicy', input, ['FunctionName', 'Qualifier']);
      const { record } = registry.resolve(input.FunctionName);
      const policy = policyOf(record);
      if (policy === undefined) {
        throw new ServiceError('ResourceNotFoundException', 'The resource you requested does not exist.', {
          status: 404,
          fields: { Type: 'User' },
        });
      }
      return { Policy: JSON.stringify(policy), RevisionId: String(record.policy.size) };
    },

    PutFunctionConcurrency(input) {
      refuseUnknown('PutFunctionConcurrency', input, ['FunctionName', 'ReservedConcurrentExecutions']);
      const { record } = registry.resolve(input.FunctionName);
      const reserved = input.ReservedConcurrentExecutions;
      if (!Number.isInteger(reserved) || reserved < 0) {
        throw new ServiceError(
          'InvalidParameterValueException',
          `ReservedConcurrentExecutions must be an integer of 0 or more, not ${String(reserved)}`,
        );
      }
      record.reservedConcurrency = reserved;
      return { ReservedConcurrentExecutions: reserved };
    },
    GetFunctionConcurrency(input) {
      const { record } = registry.resolve(input.FunctionName);
      if (record.reservedConcurrency === undefined) return {};
      return { ReservedConcurrentExecutions: record.reservedConcurrency };
    },
    DeleteFunctionConcurrency(input) {
      registry.resolve(input.FunctionName).record.reservedConcurrency = undefined;
      return {};
    },

    PublishLayerVersion(input) {
      refuseUnknown('PublishLayerVersion', input, [
        'LayerName',
        'Description',
        'Content',
        'CompatibleRuntimes',
        'CompatibleArchitectures',
        'LicenseInfo',
      ]);
      return layers.publish(input, cloud.kernel.clock.now());
    },
    GetLayerVersion: (input) => layers.get(input.LayerName, input.VersionNumber),
    ListLayers: () => layers.list(),
    DeleteLayerVersion(input) {
      layers.remove(input.LayerName, input.VersionNumber);
      return {};
    },
    AddLayerVersionPermission(input) {
      refuseUnknown('AddLayerVersionPermission', input, [
        'LayerName',
        'VersionNumber',
        'StatementId',
        'Action',
        'Principal',
        'OrganizationId',
      ]);
      layers.addPermission(input.LayerName, Number(input.VersionNumber), input);
      return { Statement: JSON.stringify(input) };
    },
  };
}

/**
 * "Lambda doesn't publish a version if the function's configuration and code haven't changed since the last version." (PublishVersion):
 * that version is the answer again.
 */
function publish(record: FunctionRecord): string {
  const last = String(record.published);
  if (record.versions.get(last) === record.latest) return last;
  record.published += 1;
  record.versions.set(String(record.published), record.latest);
  return String(record.published);
}

/** What a function with an uploaded archive has to say of itself. */
function requireForCode(input: Json): void {
  if (input.Code?.LocalFolder !== undefined || input.Code?.InlineText !== undefined) return;
  if (input.Role === undefined) {
    throw new ServiceError(
      'ValidationException',
      "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null",
    );
  }
  // "Handler, Runtime: … Required if the deployment package is a .zip file archive" (CreateFunction).
  if (input.Handler === undefined || input.Runtime === undefined) {
    throw new ServiceError(
      'InvalidParameterValueException',
      'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
    );
  }
}

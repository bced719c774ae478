import type { Cloud, Json } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import type { AthenaState, WorkGroup } from './athena-state.ts';
import { invalidRequest } from './errors.ts';

const CONFIGURATION = [
  'ResultConfiguration',
  'EnforceWorkGroupConfiguration',
  'PublishCloudWatchMetricsEnabled',
  'BytesScannedCutoffPerQuery',
  'RequesterPaysEnabled',
  'EngineVersion',
];
const RESULT = ['OutputLocation', 'EncryptionConfiguration', 'ExpectedBucketOwner'];

/** "BytesScannedCutoffPerQuery: minimum value of 10000000." */
const LEAST_CUTOFF = 10_000_000;

export function workGroupOf(state: AthenaState, name: unknown): WorkGroup {
  const found = state.workGroups.get(String(name ?? 'primary'));
  if (found === undefined) throw invalidRequest(`WorkGroup ${name} is not found.`);
  return found;
}

export function checkConfiguration(configuration: Json): void {
  for (const name of Object.keys(configuration)) {
    if (!CONFIGURATION.includes(name))
      throw invalidRequest(`Configuration.${name} is not honoured by the embedded Athena`);
  }
  checkResultConfiguration(configuration.ResultConfiguration);
  const cutoff = configuration.BytesScannedCutoffPerQuery;
  if (cutoff !== undefined && cutoff < LEAST_CUTOFF) {
    throw invalidRequest(`BytesScannedCutoffPerQuery must be at least ${LEAST_CUTOFF}, got ${cutoff}`);
  }
}

export function checkResultConfiguration(result: Json): void {
  for (const name of Object.keys(result ?? {})) {
    if (!RESULT.includes(name))
      throw invalidRequest(`ResultConfiguration.${name} is not honoured by the embedded Athena`);
  }
  const location = result?.OutputLocation;
  if (location !== undefined && !/^s3:\/\/[^/]+/.test(location))
    throw invalidRequest('outputLocation is not a valid S3 path.');
}

export function workGroupOperations(state: AthenaState, cloud: Cloud): Operations {
  return {
    CreateWorkGroup: operation(['Name', 'Configuration', 'Description', 'Tags'], (input) => {
      if (!/^[a-zA-Z0-9._-]{1,128}$/.test(String(input.Name)))
        throw invalidRequest(`${input.Name} is not a valid workgroup name`);
      if (state.workGroups.has(input.Name)) throw invalidRequest(`WorkGroup ${input.Name} is already created`);
      const configuration = { EnforceWorkGroupConfiguration: true, ...input.Configuration };
      checkConfiguration(configuration);
      state.workGroups.set(input.Name, {
        name: input.Name,
        description: input.Description,
        configuration,
        createdMs: cloud.kernel.clock.now(),
        state: 'ENABLED',
      });
      state.save();
      return {};
    }),
    UpdateWorkGroup: operation(['WorkGroup', 'Description', 'ConfigurationUpdates', 'State'], (input) => {
      const old = workGroupOf(state, input.WorkGroup);
      const { ResultConfigurationUpdates, ...updates } = input.ConfigurationUpdates ?? {};
      const configuration = { ...old.configuration, ...updates };
      if (ResultConfigurationUpdates !== undefined) {
        configuration.ResultConfiguration = { ...old.configuration.ResultConfiguration, ...ResultConfigurationUpdates };
      }
      checkConfiguration(configuration);
      state.workGroups.set(old.name, {
        ...old,
        configuration,
        description: input.Description ?? old.description,
        state: input.State ?? old.state,
      });
      state.save();
      return {};
    }),
    GetWorkGroup: operation(['WorkGroup'], (input) => {
      const { name, description, configuration, createdMs, state: is } = workGroupOf(state, input.WorkGroup);
      return {
        WorkGroup: {
          Name: name,
          State: is,
          Configuration: {
            ...configuration,
            EngineVersion: {
              SelectedEngineVersion: 'AUTO',
              EffectiveEngineVersion: 'Athena engine version 3',
              ...configuration.EngineVersion,
            },
          },
          ...(description !== undefined && { Description: description }),
          CreationTime: createdMs / 1000,
        },
      };
    }),
    ListWorkGroups: operation(['NextToken', 'MaxResults'], () => ({
      WorkGroups: [...state.workGroups.values()].map(({ name, description, createdMs, state: is }) => ({
        Name: name,
        State: is,
        Description: description ?? '',
        CreationTime: createdMs / 1000,
      })),
    })),
    DeleteWorkGroup: operation(['WorkGroup', 'RecursiveDeleteOption'], (input) => {
      const { name } = workGroupOf(state, input.WorkGroup);
      const named = [...state.namedQueries.values()].filter((query) => query.workGroup === name);
      if (name === 'primary') throw invalidRequest('The primary workgroup cannot be deleted');
      if (named.length > 0 && input.RecursiveDeleteOption !== true)
        throw invalidRequest(`WorkGroup ${name} is not empty`);
      for (const { id } of named) state.namedQueries.delete(id);
      state.workGroups.delete(name);
      state.save();
      return {};
    }),
  };
}

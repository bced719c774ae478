import { type Json, ServiceError } from '../cloud.ts';
import type { Created, ResourceContext, ResourceProvider } from '../resource.ts';

const workGroup: ResourceProvider = {
  type: 'AWS::Athena::WorkGroup',
  properties: ['Name', 'Description', 'State', 'WorkGroupConfiguration', 'RecursiveDeleteOption'],
  without: { Tags: 'tags have no effect here' },
  async create(properties: Json, { cloud, caller }: ResourceContext): Promise<Created> {
    const { Name, Description, State } = properties;
    const { ResultConfiguration, ...configuration } = properties.WorkGroupConfiguration ?? {};
    const call = (operation: string, input: Json) => cloud.call(caller, 'athena', operation, input);
    try {
      await call('CreateWorkGroup', {
        Name,
        ...(Description !== undefined && { Description }),
        Configuration: { ...configuration, ...(ResultConfiguration !== undefined && { ResultConfiguration }) },
      });
    } catch (error) {
      if (!(error instanceof ServiceError) || !/already created/.test(error.message)) throw error;
      const updates = {
        ...configuration,
        ...(ResultConfiguration !== undefined && { ResultConfigurationUpdates: ResultConfiguration }),
      };
      await call('UpdateWorkGroup', {
        WorkGroup: Name,
        ...(Description !== undefined && { Description }),
        ConfigurationUpdates: updates,
      });
    }
    if (State !== undefined) await call('UpdateWorkGroup', { WorkGroup: Name, State });
    return {
      ref: Name,
      attributes: {
        CreationTime: String(cloud.kernel.clock.now() / 1000),
        'WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion': 'Athena engine version 3',
        'EngineVersion.EffectiveEngineVersion': 'Athena engine version 3',
      },
    };
  },
};

const namedQuery: ResourceProvider = {
  type: 'AWS::Athena::NamedQuery',
  properties: ['Name', 'Description', 'Database', 'QueryString', 'WorkGroup'],
  async create(properties: Json, { cloud, caller, generatedName }: ResourceContext): Promise<Created> {
    const call = (operation: string, input: Json): Promise<Json> => cloud.call(caller, 'athena', operation, input);
    const Name: string = properties.Name ?? generatedName;
    const inGroup = properties.WorkGroup === undefined ? {} : { WorkGroup: properties.WorkGroup };
    const { NamedQueryIds } = await call('ListNamedQueries', inGroup);
    const { NamedQueries } = await call('BatchGetNamedQuery', { NamedQueryIds });
    // A runtime that starts again on the same data finds what the last start made.
    const earlier = NamedQueries.find((query: Json) => query.Name === Name && query.Database === properties.Database);
    const { Database: _, WorkGroup: __, ...update } = { ...properties, Name };
    if (earlier !== undefined) await call('UpdateNamedQuery', { NamedQueryId: earlier.NamedQueryId, ...update });
    const id: string = earlier?.NamedQueryId ?? (await call('CreateNamedQuery', { ...properties, Name })).NamedQueryId;
    return { ref: id, attributes: { NamedQueryId: id } };
  },
};

/** The resource types of Athena that a template may have here. */
export const athenaResources: readonly ResourceProvider[] = [workGroup, namedQuery];

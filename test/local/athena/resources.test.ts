import { afterAll, beforeAll, expect, it } from 'vitest';
import { athenaResources } from '../../../local/athena/resources.ts';
import { type Json, ROOT } from '../../../local/cloud.ts';
import { firehoseResources } from '../../../local/firehose/resources.ts';
import type { ResourceContext } from '../../../local/resource.ts';
import { type ColdStorage, openColdStorage } from './cold-storage.ts';

let cold: ColdStorage;
beforeAll(async () => {
  cold = await openColdStorage();
});
afterAll(() => cold.close());

const make = (type: string, properties: Json) => {
  const context: ResourceContext = {
    cloud: cold.cloud,
    stackName: 'Bank',
    logicalId: 'Resource',
    generatedName: 'Bank-Resource-ABC',
    assetPath: () => '',
    caller: ROOT,
  };
  return athenaResources.find((provider) => provider.type === type)!.create(properties, context);
};

it('makes workgroups and saved queries of a template, and finds them when it starts again', async () => {
  const group = (limit: number) => ({
    Name: 'analysts',
    Description: 'd',
    RecursiveDeleteOption: true,
    WorkGroupConfiguration: {
      EnforceWorkGroupConfiguration: true,
      BytesScannedCutoffPerQuery: limit,
      EngineVersion: { SelectedEngineVersion: 'Athena engine version 3' },
      ResultConfiguration: { OutputLocation: 's3://cold/q/', EncryptionConfiguration: { EncryptionOption: 'SSE_S3' } },
    },
  });
  const query = (QueryString: string) => ({ Name: 'q', Database: 'db', QueryString, WorkGroup: 'analysts' });
  expect((await make('AWS::Athena::WorkGroup', group(10_000_000))).ref).toBe('analysts');
  const first = await make('AWS::Athena::NamedQuery', query('SELECT 1'));
  await make('AWS::Athena::WorkGroup', group(20_000_000));
  const second = await make('AWS::Athena::NamedQuery', query('SELECT 2'));
  expect(second.ref).toBe(first.ref);
  expect(second.attributes.NamedQueryId).toBe(first.ref);
  const { WorkGroup } = await cold.call('athena', 'GetWorkGroup', { WorkGroup: 'analysts' });
  expect(WorkGroup.Configuration).toMatchObject({
    BytesScannedCutoffPerQuery: 20_000_000,
    ResultConfiguration: { OutputLocation: 's3://cold/q/' },
  });
  expect((await cold.call('athena', 'GetNamedQuery', { NamedQueryId: first.ref })).NamedQuery.QueryString).toBe(
    'SELECT 2',
  );
});

it('refuses settings that it does not honour', async () => {
  const configuration = { WorkGroupConfiguration: { ExecutionRole: 'x' } };
  await expect(make('AWS::Athena::WorkGroup', { Name: 'odd', ...configuration })).rejects.toMatchObject({
    message: expect.stringContaining('ExecutionRole'),
  });
  const low = { WorkGroupConfiguration: { BytesScannedCutoffPerQuery: 5 } };
  await expect(make('AWS::Athena::WorkGroup', { Name: 'low', ...low })).rejects.toMatchObject({
    message: expect.stringContaining('10000000'),
  });
});

it('each type of resource names what it honours', () => {
  for (const provider of [...athenaResources, ...firehoseResources]) {
    const known = [...provider.properties, ...Object.keys(provider.without ?? {})];
    expect(new Set(known).size).toBe(known.length);
  }
});

import type { ResourceProvider } from '../resource.ts';

const PROPERTIES = [
  'Name',
  'Description',
  'RoleArn',
  'Source',
  'SourceParameters',
  'Enrichment',
  'EnrichmentParameters',
  'Target',
  'TargetParameters',
  'DesiredState',
];

const pipe: ResourceProvider = {
  type: 'AWS::Pipes::Pipe',
  properties: PROPERTIES,
  without: {
    LogConfiguration: "a pipe's own log is not kept: what it passes and what fails goes to the trace",
    KmsKeyIdentifier: 'what is stored here is not encrypted',
    Tags: 'tags of a pipe change nothing here',
  },
  async create(properties, { cloud, caller, generatedName }) {
    const input = Object.fromEntries(
      PROPERTIES.filter((name) => properties[name] !== undefined).map((name) => [name, properties[name]]),
    );
    const created = await cloud.call(caller, 'pipes', 'CreatePipe', { Name: generatedName, ...input });
    return {
      ref: created.Name,
      attributes: { Arn: created.Arn, CurrentState: 'RUNNING', StateReason: '' },
    };
  },
};

/** The resource type of EventBridge Pipes. */
export const pipesResources: readonly ResourceProvider[] = [pipe];

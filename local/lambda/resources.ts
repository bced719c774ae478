import type { Json } from '../cloud.ts';
import type { ResourceContext, ResourceProvider } from '../resource.ts';
import { refuseUnknown } from './unsupported.ts';

const call = ({ cloud, caller }: ResourceContext, operation: string, input: Json): Promise<Json> =>
  cloud.call(caller, 'lambda', operation, input);

/** Only what the template names. */
function given(properties: Json, names: readonly string[]): Json {
  return Object.fromEntries(
    names.filter((name) => properties[name] !== undefined).map((name) => [name, properties[name]]),
  );
}

const lambdaFunction: ResourceProvider = {
  type: 'AWS::Lambda::Function',
  properties: [
    'FunctionName',
    'Description',
    'Code',
    'Handler',
    'Runtime',
    'Role',
    'Environment',
    'MemorySize',
    'Timeout',
    'Layers',
    'DeadLetterConfig',
    'LoggingConfig',
    'ReservedConcurrentExecutions',
    'PackageType',
  ],
  without: {
    Architectures: "code runs on this machine's own processor; native packages of layers come from the project",
    EphemeralStorage: "/tmp is this machine's",
    TracingConfig: 'there is no X-Ray here',
    Tags: 'tags of a function change nothing here',
  },
  async create(properties, context) {
    const name: string = properties.FunctionName ?? context.generatedName;
    refuseUnknown('AWS::Lambda::Function Code', properties.Code, ['S3Bucket', 'S3Key', 'ZipFile']);
    const { ZipFile, S3Bucket, S3Key } = properties.Code;
    const configuration = await call(context, 'CreateFunction', {
      ...given(properties, [
        'Description',
        'Handler',
        'Runtime',
        'Role',
        'Environment',
        'Layers',
        'DeadLetterConfig',
        'LoggingConfig',
        'PackageType',
        'EphemeralStorage',
        'TracingConfig',
        'Architectures',
      ]),
      FunctionName: name,
      ...(properties.MemorySize !== undefined && { MemorySize: Number(properties.MemorySize) }),
      ...(properties.Timeout !== undefined && { Timeout: Number(properties.Timeout) }),
      Code: ZipFile === undefined ? { LocalFolder: context.assetPath(S3Bucket, S3Key) } : { InlineText: ZipFile },
    });
    if (properties.ReservedConcurrentExecutions !== undefined) {
      await call(context, 'PutFunctionConcurrency', {
        FunctionName: name,
        ReservedConcurrentExecutions: Number(properties.ReservedConcurrentExecutions),
      });
    }
    return { ref: name, attributes: { Arn: configuration.FunctionArn } };
  },
};

const permission: ResourceProvider = {
  type: 'AWS::Lambda::Permission',
  properties: ['FunctionName', 'Action', 'Principal', 'SourceArn', 'SourceAccount', 'PrincipalOrgID'],
  async create(properties, context) {
    await call(context, 'AddPermission', {
      ...given(properties, ['FunctionName', 'Action', 'Principal', 'SourceArn', 'SourceAccount', 'PrincipalOrgID']),
      StatementId: context.generatedName,
    });
    return { ref: context.generatedName, attributes: { Id: context.generatedName } };
  },
};

const MAPPING = [
  'FunctionName',
  'EventSourceArn',
  'Enabled',
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'ParallelizationFactor',
  'StartingPosition',
  'StartingPositionTimestamp',
  'MaximumRetryAttempts',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'FunctionResponseTypes',
  'DestinationConfig',
  'FilterCriteria',
  'ScalingConfig',
];

const eventSourceMapping: ResourceProvider = {
  type: 'AWS::Lambda::EventSourceMapping',
  properties: MAPPING,
  without: { Tags: 'tags of a mapping change nothing here' },
  async create(properties, context) {
    const { UUID, EventSourceMappingArn } = await call(context, 'CreateEventSourceMapping', given(properties, MAPPING));
    return { ref: UUID, attributes: { Id: UUID, EventSourceMappingArn } };
  },
};

const layerVersion: ResourceProvider = {
  type: 'AWS::Lambda::LayerVersion',
  properties: ['LayerName', 'Content', 'Description', 'LicenseInfo'],
  without: {
    CompatibleArchitectures: "packages of layers come from the project, for this machine's processor",
    CompatibleRuntimes: 'every function runs on the Node.js of the host',
  },
  async create(properties, context) {
    refuseUnknown('AWS::Lambda::LayerVersion Content', properties.Content, ['S3Bucket', 'S3Key']);
    const { LayerVersionArn } = await call(context, 'PublishLayerVersion', {
      ...given(properties, ['Description', 'LicenseInfo']),
      LayerName: properties.LayerName ?? context.generatedName.slice(-140),
      Content: { LocalFolder: context.assetPath(properties.Content.S3Bucket, properties.Content.S3Key) },
    });
    return { ref: LayerVersionArn, attributes: { LayerVersionArn } };
  },
};

const layerVersionPermission: ResourceProvider = {
  type: 'AWS::Lambda::LayerVersionPermission',
  properties: ['LayerVersionArn', 'Action', 'Principal', 'OrganizationId'],
  async create(properties, context) {
    const match = /:layer:([^:]+):(\d+)$/.exec(properties.LayerVersionArn);
    await call(context, 'AddLayerVersionPermission', {
      ...given(properties, ['Action', 'Principal', 'OrganizationId']),
      LayerName: match?.[1],
      VersionNumber: Number(match?.[2]),
      StatementId: context.generatedName,
    });
    return { ref: `${properties.LayerVersionArn}#${context.generatedName}`, attributes: { Id: context.generatedName } };
  },
};

const ASYNC = ['FunctionName', 'Qualifier', 'MaximumRetryAttempts', 'MaximumEventAgeInSeconds', 'DestinationConfig'];

const eventInvokeConfig: ResourceProvider = {
  type: 'AWS::Lambda::EventInvokeConfig',
  properties: ASYNC,
  async create(properties, context) {
    await call(context, 'PutFunctionEventInvokeConfig', given(properties, ASYNC));
    return { ref: context.generatedName, attributes: {} };
  },
};

const version: ResourceProvider = {
  type: 'AWS::Lambda::Version',
  properties: ['FunctionName', 'Description'],
  without: { CodeSha256: 'the code is what was synthesized' },
  async create(properties, context) {
    const published = await call(context, 'PublishVersion', given(properties, ['FunctionName', 'Description']));
    return {
      ref: published.FunctionArn,
      attributes: { Version: published.Version, FunctionArn: published.FunctionArn },
    };
  },
};

const alias: ResourceProvider = {
  type: 'AWS::Lambda::Alias',
  properties: ['FunctionName', 'FunctionVersion', 'Name', 'Description'],
  async create(properties, context) {
    const names = ['FunctionName', 'FunctionVersion', 'Name', 'Description'];
    const { AliasArn } = await call(context, 'CreateAlias', given(properties, names));
    return { ref: AliasArn, attributes: { AliasArn } };
  },
};

/** The resource types of Lambda. */
export const lambdaResources: readonly ResourceProvider[] = [
  lambdaFunction,
  permission,
  eventSourceMapping,
  layerVersion,
  layerVersionPermission,
  eventInvokeConfig,
  version,
  alias,
];

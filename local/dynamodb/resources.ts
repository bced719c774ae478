import type { Json } from '../cloud.ts';
import { ServiceError } from '../cloud.ts';
import type { Created, ResourceContext, ResourceProvider } from '../resource.ts';

type Call = (operation: string, input: Json) => Promise<Json>;

/** Templates may write numbers as text. */
function readThroughput(throughput: Json): Json {
  if (throughput === undefined) return undefined;
  return Object.fromEntries(Object.entries(throughput).map(([name, units]) => [name, Number(units)]));
}

function without(object: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function readIndex(index: Json): Json {
  const { ProvisionedThroughput: provisioned, OnDemandThroughput: onDemand, ...rest } = index;
  return {
    ...without(rest, ['ContributorInsightsSpecification', 'WarmThroughput']),
    ...(provisioned === undefined ? {} : { ProvisionedThroughput: readThroughput(provisioned) }),
    ...(onDemand === undefined ? {} : { OnDemandThroughput: readThroughput(onDemand) }),
  };
}

function readEncryption(specification: Json): Json {
  const { SSEEnabled: enabled, ...rest } = specification;
  return { Enabled: isTrue(enabled), ...rest };
}

function isTrue(value: Json): boolean {
  return value === true || value === 'true';
}

function streamOf({ StreamSpecification: specification }: Json): Json {
  return specification === undefined ? undefined : { StreamEnabled: true, ...specification };
}

/** CreateTable's input for the resource's properties; CloudFormation's own defaults are the API's. */
function toCreateTable(properties: Json, name: string): Json {
  const { ProvisionedThroughput: provisioned, OnDemandThroughput: onDemand, SSESpecification: encryption } = properties;
  const stream = streamOf(properties);
  const input: Json = {
    TableName: name,
    KeySchema: properties.KeySchema,
    AttributeDefinitions: properties.AttributeDefinitions ?? [],
    DeletionProtectionEnabled: isTrue(properties.DeletionProtectionEnabled),
  };
  const optional: Json = {
    BillingMode: properties.BillingMode,
    ProvisionedThroughput: readThroughput(provisioned),
    OnDemandThroughput: readThroughput(onDemand),
    GlobalSecondaryIndexes: properties.GlobalSecondaryIndexes?.map(readIndex),
    LocalSecondaryIndexes: properties.LocalSecondaryIndexes,
    StreamSpecification: stream,
    SSESpecification: encryption === undefined ? undefined : readEncryption(encryption),
    TableClass: properties.TableClass,
    Tags: properties.Tags,
  };
  for (const [key, value] of Object.entries(optional)) if (value !== undefined) input[key] = value;
  return input;
}

async function find(call: Call, name: string): Promise<Json> {
  try {
    return (await call('DescribeTable', { TableName: name })).Table;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/** Brings a table that is there already (a start on kept data) to what the template says now. */
async function update(call: Call, table: Json, wanted: Json): Promise<void> {
  const { TableName } = wanted;
  if (JSON.stringify(table.KeySchema) !== JSON.stringify(wanted.KeySchema)) {
    throw new Error(`the table ${TableName} is kept with another key schema: it would have to be replaced`);
  }
  const view = (specification: Json) => specification?.StreamViewType;
  if (view(table.StreamSpecification) !== view(wanted.StreamSpecification)) {
    if (table.StreamSpecification !== undefined) {
      await call('UpdateTable', { TableName, StreamSpecification: { StreamEnabled: false } });
    }
    if (wanted.StreamSpecification !== undefined) {
      await call('UpdateTable', { TableName, StreamSpecification: wanted.StreamSpecification });
    }
  }
  const names = (indexes: Json): string[] => (indexes ?? []).map(({ IndexName }: Json) => IndexName);
  for (const IndexName of names(table.GlobalSecondaryIndexes)) {
    if (names(wanted.GlobalSecondaryIndexes).includes(IndexName)) continue;
    await call('UpdateTable', { TableName, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] });
  }
  for (const index of wanted.GlobalSecondaryIndexes ?? []) {
    if (names(table.GlobalSecondaryIndexes).includes(index.IndexName)) continue;
    await call('UpdateTable', {
      TableName,
      AttributeDefinitions: wanted.AttributeDefinitions,
      GlobalSecondaryIndexUpdates: [{ Create: index }],
    });
  }
  await call('UpdateTable', { TableName, DeletionProtectionEnabled: wanted.DeletionProtectionEnabled });
}

async function setTimeToLive(call: Call, TableName: string, specification: Json): Promise<void> {
  const { AttributeName: old } = (await call('DescribeTimeToLive', { TableName })).TimeToLiveDescription;
  const wanted = isTrue(specification?.Enabled) ? specification.AttributeName : undefined;
  if (old === wanted) return;
  const change = (Enabled: boolean, AttributeName: string) =>
    call('UpdateTimeToLive', { TableName, TimeToLiveSpecification: { Enabled, AttributeName } });
  if (old !== undefined) await change(false, old);
  if (wanted !== undefined) await change(true, wanted);
}

async function create(properties: Json, context: ResourceContext): Promise<Created> {
  const name: string = properties.TableName ?? context.generatedName;
  const call: Call = (operation, input) => context.cloud.call(context.caller, 'dynamodb', operation, input);
  const wanted = toCreateTable(properties, name);
  const kept = await find(call, name);
  if (kept === undefined) await call('CreateTable', wanted);
  else await update(call, kept, wanted);
  await setTimeToLive(call, name, properties.TimeToLiveSpecification);
  if (properties.PointInTimeRecoverySpecification !== undefined) {
    const { PointInTimeRecoveryEnabled: enabled, RecoveryPeriodInDays: days } =
      properties.PointInTimeRecoverySpecification;
    await call('UpdateContinuousBackups', {
      TableName: name,
      PointInTimeRecoverySpecification: {
        PointInTimeRecoveryEnabled: isTrue(enabled),
        ...(days === undefined ? {} : { RecoveryPeriodInDays: Number(days) }),
      },
    });
  }
  const table = await find(call, name);
  if (properties.ResourcePolicy !== undefined) {
    const policy = JSON.stringify(properties.ResourcePolicy.PolicyDocument);
    await call('PutResourcePolicy', { ResourceArn: table.TableArn, Policy: policy });
  } else if (kept !== undefined) {
    await call('DeleteResourcePolicy', { ResourceArn: table.TableArn });
  }
  return {
    ref: name,
    attributes: {
      Arn: table.TableArn,
      ...(table.StreamSpecification === undefined ? {} : { StreamArn: table.LatestStreamArn }),
    },
  };
}

/** `AWS::DynamoDB::Table`: `Ref` is the table's name, `Arn` and `StreamArn` are its attributes. */
export const dynamoDbResources: ResourceProvider[] = [
  {
    type: 'AWS::DynamoDB::Table',
    properties: [
      'AttributeDefinitions',
      'BillingMode',
      'DeletionProtectionEnabled',
      'GlobalSecondaryIndexes',
      'KeySchema',
      'LocalSecondaryIndexes',
      'OnDemandThroughput',
      'PointInTimeRecoverySpecification',
      'ProvisionedThroughput',
      'ResourcePolicy',
      'SSESpecification',
      'StreamSpecification',
      'TableClass',
      'TableName',
      'Tags',
      'TimeToLiveSpecification',
    ],
    without: {
      ContributorInsightsSpecification: 'it only adds reports to CloudWatch, which is not hosted here',
      WarmThroughput: 'nothing here has to be warmed up',
    },
    replacedBy: ['TableName', 'KeySchema', 'LocalSecondaryIndexes'],
    create,
  },
];

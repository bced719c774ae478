import { type Json, ServiceError } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { inUse, invalid, invalidValue, notFound } from '../errors.ts';
import { checkGlobalIndex, checkSchema, checkStreamSpecification } from '../table/check-schema.ts';
import type { AttributeDefinition, IndexDefinition, TableDefinition } from '../table/definition.ts';
import { describeTable } from '../table/describe.ts';
import type { Table } from '../table/table.ts';

const NO_THROUGHPUT = { ReadCapacityUnits: 0, WriteCapacityUnits: 0 };

/** "A timestamp, in ISO 8601 format, for this stream"; a table's second stream of one millisecond gets the next one. */
function streamLabel(engine: Engine, tableArn: string): string {
  for (let at = engine.now(); ; at++) {
    const label = new Date(at).toISOString().slice(0, -1);
    if (!engine.streams.has(`${tableArn}/stream/${label}`)) return label;
  }
}

function readEncryption(specification: Json): Pick<TableDefinition, 'encryption'> {
  if (specification?.Enabled !== true) return {};
  const keyId = specification.KMSMasterKeyId;
  return { encryption: { type: specification.SSEType ?? 'KMS', ...(keyId === undefined ? {} : { keyId }) } };
}

export function tableNotFound(name: string): string {
  return `Requested resource not found: Table: ${name} not found`;
}

export function createTable(engine: Engine, input: Json): Json {
  checkSchema(input);
  const name: string = input.TableName;
  if (engine.tables.has(name)) throw inUse(`Table already exists: ${name}`);
  const now = engine.now();
  const onDemand = input.BillingMode === 'PAY_PER_REQUEST';
  const label = input.StreamSpecification?.StreamEnabled === true ? streamLabel(engine, engine.tableArn(name)) : '';
  const definition: TableDefinition = {
    name,
    id: engine.cloud.kernel.random.uuid(),
    createdAt: now,
    attributes: input.AttributeDefinitions,
    keySchema: input.KeySchema,
    globalIndexes: input.GlobalSecondaryIndexes ?? [],
    localIndexes: input.LocalSecondaryIndexes ?? [],
    billingMode: onDemand ? 'PAY_PER_REQUEST' : 'PROVISIONED',
    ...(onDemand ? { onDemandSince: now } : {}),
    throughput: onDemand ? NO_THROUGHPUT : input.ProvisionedThroughput,
    ...(input.OnDemandThroughput === undefined ? {} : { onDemandThroughput: input.OnDemandThroughput }),
    ...(label === '' ? {} : { stream: { label, viewType: input.StreamSpecification.StreamViewType } }),
    ...(label === '' ? {} : { latestStream: label }),
    ...readEncryption(input.SSESpecification),
    deletionProtection: input.DeletionProtectionEnabled === true,
    ...(input.TableClass === undefined ? {} : { tableClass: input.TableClass }),
    tags: input.Tags ?? [],
    ...(input.ResourcePolicy === undefined ? {} : { policy: { text: input.ResourcePolicy, revision: String(now) } }),
  };
  return { TableDescription: describeTable(engine.define(definition), 'CREATING') };
}

export function describe(engine: Engine, input: Json): Json {
  return { Table: describeTable(engine.table(input.TableName, tableNotFound(input.TableName))) };
}

export function deleteTable(engine: Engine, input: Json): Json {
  const table = engine.table(input.TableName, tableNotFound(input.TableName));
  if (table.definition.deletionProtection) {
    throw invalid(
      'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
    );
  }
  const description = describeTable(table, 'DELETING');
  engine.drop(table);
  return { TableDescription: description };
}

export function listTables(engine: Engine, input: Json): Json {
  const after = input.ExclusiveStartTableName ?? '';
  const names = [...engine.tables.keys()].filter((name) => name > after).sort();
  const limit = input.Limit ?? 100;
  const shown = names.slice(0, limit);
  return {
    TableNames: shown,
    ...(names.length > limit ? { LastEvaluatedTableName: shown[shown.length - 1] } : {}),
  };
}

interface IndexChange {
  readonly globalIndexes: readonly IndexDefinition[];
  readonly attributes: readonly AttributeDefinition[];
}

function changeIndexes(table: Table, input: Json, billingMode: string): IndexChange {
  const { definition } = table;
  let globalIndexes = [...definition.globalIndexes];
  const updates: readonly Json[] = input.GlobalSecondaryIndexUpdates ?? [];
  const attributes = new Map(definition.attributes.map((attribute) => [attribute.AttributeName, attribute]));
  for (const attribute of input.AttributeDefinitions ?? []) attributes.set(attribute.AttributeName, attribute);
  if (updates.filter(({ Create, Delete }) => Create != null || Delete != null).length > 1) {
    throw new ServiceError(
      'LimitExceededException',
      'Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table',
    );
  }
  for (const { Create: create, Delete: remove, Update: update } of updates) {
    if (create != null) {
      if (table.indexes.has(create.IndexName)) {
        throw invalid(`Attempting to create an index which already exists: ${create.IndexName}`);
      }
      checkGlobalIndex(create, [...attributes.values()], billingMode);
      globalIndexes.push(create);
    } else if (remove != null || update != null) {
      const name: string = (remove ?? update).IndexName;
      if (!globalIndexes.some(({ IndexName }) => IndexName === name)) {
        throw notFound(`Requested resource not found: Index: ${name} not found`);
      }
      globalIndexes =
        remove != null
          ? globalIndexes.filter(({ IndexName }) => IndexName !== name)
          : globalIndexes.map((index) => (index.IndexName === name ? { ...index, ...update } : index));
    } else {
      throw invalidValue(
        'One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null',
      );
    }
  }
  const used = new Set(
    [definition.keySchema, ...[...globalIndexes, ...definition.localIndexes].map(({ KeySchema }) => KeySchema)].flatMap(
      (schema) => schema.map(({ AttributeName }) => AttributeName),
    ),
  );
  return { globalIndexes, attributes: [...attributes.values()].filter(({ AttributeName }) => used.has(AttributeName)) };
}

function changeStream(engine: Engine, table: Table, specification: Json): TableDefinition {
  const { stream, ...rest } = table.definition;
  if (specification === undefined) return table.definition;
  checkStreamSpecification(specification);
  if (!specification.StreamEnabled) {
    if (stream === undefined) throw invalid('Table has no stream to disable');
    return rest;
  }
  if (stream !== undefined) throw invalid(`Table already has an enabled stream: TableName: ${table.name}`);
  const label = streamLabel(engine, table.arn);
  return { ...rest, stream: { label, viewType: specification.StreamViewType }, latestStream: label };
}

const CHANGES = [
  'ProvisionedThroughput',
  'BillingMode',
  'StreamSpecification',
  'GlobalSecondaryIndexUpdates',
  'SSESpecification',
  'TableClass',
  'DeletionProtectionEnabled',
  'OnDemandThroughput',
];

function checkThroughputChanges({ definition }: Table, wanted: Json): void {
  const { ReadCapacityUnits: read, WriteCapacityUnits: write } = definition.throughput;
  if (wanted == null || wanted.ReadCapacityUnits !== read || wanted.WriteCapacityUnits !== write) return;
  throw invalid(
    `The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: ${read}. Requested ReadCapacityUnits: ${read}. Current WriteCapacityUnits provisioned for the table: ${write}. Requested WriteCapacityUnits: ${write}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.`,
  );
}

export function updateTable(engine: Engine, input: Json): Json {
  if (CHANGES.every((name) => input[name] == null || input[name].length === 0)) {
    throw invalid(
      'At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required',
    );
  }
  const table = engine.table(input.TableName, tableNotFound(input.TableName));
  const billingMode = input.BillingMode ?? table.definition.billingMode;
  if (input.BillingMode === 'PROVISIONED' && input.ProvisionedThroughput === undefined) {
    throw invalidValue('ProvisionedThroughput must be specified when BillingMode is PROVISIONED');
  }
  if (billingMode === 'PAY_PER_REQUEST' && input.ProvisionedThroughput !== undefined) {
    throw invalidValue(
      'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
    );
  }
  if (billingMode === table.definition.billingMode) checkThroughputChanges(table, input.ProvisionedThroughput);
  const base = changeStream(engine, table, input.StreamSpecification);
  const becomesOnDemand = billingMode === 'PAY_PER_REQUEST' && base.billingMode !== billingMode;
  const definition: TableDefinition = {
    ...base,
    ...changeIndexes(table, input, billingMode),
    billingMode,
    ...(becomesOnDemand ? { onDemandSince: engine.now() } : {}),
    throughput: becomesOnDemand ? NO_THROUGHPUT : (input.ProvisionedThroughput ?? base.throughput),
    ...readEncryption(input.SSESpecification),
    ...(input.TableClass === undefined ? {} : { tableClass: input.TableClass }),
    ...(input.OnDemandThroughput === undefined ? {} : { onDemandThroughput: input.OnDemandThroughput }),
    deletionProtection: input.DeletionProtectionEnabled ?? base.deletionProtection,
  };
  const known = new Set(table.indexes.keys());
  const made = definition.globalIndexes.map(({ IndexName }) => IndexName).filter((name) => !known.has(name));
  return { TableDescription: describeTable(engine.define(definition), 'UPDATING', made) };
}

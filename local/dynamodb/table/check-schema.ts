import type { Json } from '../../cloud.ts';
import { invalid, invalidValue } from '../errors.ts';
import type { AttributeDefinition, IndexDefinition, KeyElement } from './definition.ts';

function namesOf(schema: readonly KeyElement[]): readonly string[] {
  return schema.map(({ AttributeName }) => AttributeName);
}

function checkDefined(schema: readonly KeyElement[], definitions: readonly AttributeDefinition[]): void {
  const defined = definitions.map(({ AttributeName }) => AttributeName);
  const names = namesOf(schema);
  if (names.every((name) => defined.includes(name))) return;
  throw invalidValue(
    `Some index key attributes are not defined in AttributeDefinitions. Keys: [${names.join(', ')}], AttributeDefinitions: [${defined.join(', ')}]`,
  );
}

function checkRoles([first, second]: readonly KeyElement[]): void {
  if (second !== undefined && first?.AttributeName === second.AttributeName) {
    throw invalid('Both the Hash Key and the Range Key element in the KeySchema have the same name');
  }
  if (first?.KeyType !== 'HASH') throw invalid('Invalid KeySchema: The first KeySchemaElement is not a HASH key type');
  if (second !== undefined && second.KeyType !== 'RANGE') {
    throw invalid('Invalid KeySchema: The second KeySchemaElement is not a RANGE key type');
  }
}

function checkProjection({ Projection: projection }: IndexDefinition): void {
  const { ProjectionType: type, NonKeyAttributes: names } = projection;
  if (type === undefined) throw invalidValue('Unknown ProjectionType: null');
  if (names !== undefined && type !== 'INCLUDE') {
    throw invalidValue(`ProjectionType is ${type}, but NonKeyAttributes is specified`);
  }
  if (names === undefined && type === 'INCLUDE') {
    throw invalidValue('ProjectionType is INCLUDE, but NonKeyAttributes is not specified');
  }
  if (new Set(names).size < (names?.length ?? 0)) throw invalid('Cannot have two attributes with the same name');
}

export function checkGlobalIndex(
  index: IndexDefinition,
  definitions: readonly AttributeDefinition[],
  billingMode: string,
): void {
  checkDefined(index.KeySchema, definitions);
  checkRoles(index.KeySchema);
  checkProjection(index);
  if (billingMode === 'PAY_PER_REQUEST' && index.ProvisionedThroughput !== undefined) {
    throw invalidValue(
      `ProvisionedThroughput should not be specified for index: ${index.IndexName} when BillingMode is PAY_PER_REQUEST`,
    );
  }
  if (billingMode === 'PROVISIONED' && index.ProvisionedThroughput === undefined) {
    throw invalidValue(`ProvisionedThroughput must be specified for index: ${index.IndexName}`);
  }
}

function checkLocalIndex(index: IndexDefinition, hash: string, definitions: readonly AttributeDefinition[]): void {
  checkDefined(index.KeySchema, definitions);
  checkRoles(index.KeySchema);
  if (index.KeySchema.length !== 2) {
    throw invalidValue(`Index KeySchema does not have a range key for index: ${index.IndexName}`);
  }
  const indexHash = index.KeySchema[0]!.AttributeName;
  if (indexHash !== hash) {
    throw invalidValue(
      `Index KeySchema does not have the same leading hash key as table KeySchema for index: ${index.IndexName}. index hash key: ${indexHash}, table hash key: ${hash}`,
    );
  }
  checkProjection(index);
}

function checkBilling({ BillingMode: mode = 'PROVISIONED', ProvisionedThroughput: throughput }: Json): void {
  if (mode === 'PAY_PER_REQUEST') {
    if (throughput === undefined) return;
    throw invalidValue(
      'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
    );
  }
  if (throughput === undefined) {
    throw invalidValue(
      'ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
    );
  }
}

function checkUnique(indexes: readonly IndexDefinition[]): void {
  const seen = new Set<string>();
  for (const { IndexName: name } of indexes) {
    if (seen.has(name)) throw invalidValue(`Duplicate index name: ${name}`);
    seen.add(name);
  }
}

/** A table or index name of CreateTable; ARNs are for the other operations. */
export function checkTableName(name: string): void {
  if (name.length < 3 || name.length > 255) {
    throw invalid('TableName must be at least 3 characters long and at most 255 characters long');
  }
  if (!/^[a-zA-Z0-9_.-]+$/.test(name)) {
    throw invalid(
      `1 validation error detected: Value '${name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+`,
    );
  }
}

export function checkStreamSpecification(specification: Json): void {
  if (specification === undefined) return;
  const { StreamEnabled: enabled, StreamViewType: view } = specification;
  if (enabled && view === undefined) {
    throw invalid('Invalid StreamViewType: Stream ViewType must not be null or empty when enabling streams.');
  }
  if (!enabled && view !== undefined) {
    throw invalid('Invalid StreamViewType: Stream StreamEnabled was false but a StreamViewType was present.');
  }
}

/** Everything that CreateTable's parameters have to be among themselves. */
export function checkSchema(input: Json): void {
  checkTableName(input.TableName);
  checkBilling(input);
  const definitions: readonly AttributeDefinition[] = input.AttributeDefinitions;
  const schema: readonly KeyElement[] = input.KeySchema;
  checkDefined(schema, definitions);
  checkRoles(schema);
  const locals: readonly IndexDefinition[] | undefined = input.LocalSecondaryIndexes;
  const globals: readonly IndexDefinition[] | undefined = input.GlobalSecondaryIndexes;
  if (locals?.length === 0) throw invalidValue('List of LocalSecondaryIndexes is empty');
  if (globals?.length === 0) throw invalidValue('List of GlobalSecondaryIndexes is empty');
  if (locals !== undefined && schema.length !== 2) {
    throw invalidValue(
      'Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex',
    );
  }
  for (const index of locals ?? []) checkLocalIndex(index, schema[0]!.AttributeName, definitions);
  for (const index of globals ?? []) checkGlobalIndex(index, definitions, input.BillingMode ?? 'PROVISIONED');
  const indexes = [...(locals ?? []), ...(globals ?? [])];
  checkUnique(indexes);
  // "5 local secondary indexes per table", "a default quota of 20 global secondary indexes" (developer guide, quotas).
  if ((locals?.length ?? 0) > 5) {
    throw invalidValue('Number of LocalSecondaryIndexes exceeds per-table limit of 5');
  }
  if ((globals?.length ?? 0) > 20) {
    throw invalidValue('GlobalSecondaryIndex count exceeds the per-table limit of 20');
  }
  const used = new Set([...namesOf(schema), ...indexes.flatMap(({ KeySchema }) => namesOf(KeySchema))]);
  if (definitions.some(({ AttributeName }) => !used.has(AttributeName)) || definitions.length !== used.size) {
    throw invalidValue(
      indexes.length === 0
        ? 'Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions'
        : `Some AttributeDefinitions are not used. AttributeDefinitions: [${definitions.map(({ AttributeName }) => AttributeName).join(', ')}], keys used: [${[...used].join(', ')}]`,
    );
  }
  checkStreamSpecification(input.StreamSpecification);
}

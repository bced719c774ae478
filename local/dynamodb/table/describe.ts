import type { Json } from '../../cloud.ts';
import type { IndexDefinition, TableDefinition } from './definition.ts';
import type { Table } from './table.ts';

export type Status = 'CREATING' | 'UPDATING' | 'DELETING' | 'ACTIVE';

function describeThroughput(throughput: { ReadCapacityUnits: number; WriteCapacityUnits: number }): Json {
  return {
    NumberOfDecreasesToday: 0,
    ReadCapacityUnits: throughput.ReadCapacityUnits,
    WriteCapacityUnits: throughput.WriteCapacityUnits,
  };
}

const NO_THROUGHPUT = { ReadCapacityUnits: 0, WriteCapacityUnits: 0 };

function describeIndex(table: Table, definition: IndexDefinition, status: Status): Json {
  const rows = table.indexes.get(definition.IndexName)?.rows;
  const isGlobal = table.indexes.get(definition.IndexName)?.kind !== 'local';
  return {
    IndexName: definition.IndexName,
    KeySchema: definition.KeySchema,
    Projection: definition.Projection,
    ...(isGlobal
      ? {
          IndexStatus: status,
          ProvisionedThroughput: describeThroughput(definition.ProvisionedThroughput ?? NO_THROUGHPUT),
        }
      : {}),
    ...(definition.OnDemandThroughput === undefined ? {} : { OnDemandThroughput: definition.OnDemandThroughput }),
    IndexSizeBytes: rows?.bytes ?? 0,
    ItemCount: rows?.count ?? 0,
    IndexArn: `${table.arn}/index/${definition.IndexName}`,
  };
}

function describeStream(definition: TableDefinition, arn: string): Json {
  const { stream, latestStream } = definition;
  return {
    ...(stream === undefined ? {} : { StreamSpecification: { StreamEnabled: true, StreamViewType: stream.viewType } }),
    ...(latestStream === undefined
      ? {}
      : { LatestStreamLabel: latestStream, LatestStreamArn: `${arn}/stream/${latestStream}` }),
  };
}

/** TableDescription. Times are in seconds, counts are exact where AWS's are "updated approximately every six hours". */
export function describeTable(table: Table, status: Status = 'ACTIVE', newIndexes: readonly string[] = []): Json {
  const { definition } = table;
  const { globalIndexes, localIndexes, encryption, onDemandSince } = definition;
  const statusOf = ({ IndexName }: IndexDefinition) =>
    status === 'CREATING' || newIndexes.includes(IndexName) ? 'CREATING' : 'ACTIVE';
  return {
    AttributeDefinitions: definition.attributes,
    TableName: definition.name,
    KeySchema: definition.keySchema,
    TableStatus: status,
    CreationDateTime: definition.createdAt / 1000,
    ProvisionedThroughput: describeThroughput(definition.throughput),
    TableSizeBytes: table.rows.bytes,
    ItemCount: table.rows.count,
    TableArn: table.arn,
    TableId: definition.id,
    ...(onDemandSince === undefined
      ? {}
      : {
          BillingModeSummary: {
            BillingMode: definition.billingMode,
            LastUpdateToPayPerRequestDateTime: onDemandSince / 1000,
          },
        }),
    ...(localIndexes.length === 0
      ? {}
      : { LocalSecondaryIndexes: localIndexes.map((index) => describeIndex(table, index, statusOf(index))) }),
    ...(globalIndexes.length === 0
      ? {}
      : { GlobalSecondaryIndexes: globalIndexes.map((index) => describeIndex(table, index, statusOf(index))) }),
    ...describeStream(definition, table.arn),
    ...(encryption === undefined
      ? {}
      : {
          SSEDescription: {
            Status: 'ENABLED',
            SSEType: encryption.type,
            ...(encryption.keyId === undefined ? {} : { KMSMasterKeyArn: encryption.keyId }),
          },
        }),
    ...(definition.tableClass === undefined ? {} : { TableClassSummary: { TableClass: definition.tableClass } }),
    ...(definition.onDemandThroughput === undefined ? {} : { OnDemandThroughput: definition.onDemandThroughput }),
    DeletionProtectionEnabled: definition.deletionProtection,
  };
}

import type { Caller, Cloud, Json } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { invalidRequest } from './errors.ts';

/** The catalog as Athena's own operations show it. */
export function catalogOperations(cloud: Cloud): Operations {
  const glue = (caller: Caller, name: string, input: Json): Promise<Json> => cloud.call(caller, 'glue', name, input);
  const checkCatalog = (input: Json) => {
    if (String(input.CatalogName).toLowerCase() !== 'awsdatacatalog')
      throw invalidRequest(`Catalog ${input.CatalogName} is not found`);
  };
  return {
    ListDataCatalogs: operation(['NextToken', 'MaxResults', 'WorkGroup'], () => ({
      DataCatalogsSummary: [{ CatalogName: 'AwsDataCatalog', Type: 'GLUE' }],
    })),
    ListDatabases: operation(['CatalogName', 'NextToken', 'MaxResults', 'WorkGroup'], async (input, caller) => {
      checkCatalog(input);
      const { DatabaseList, NextToken } = await glue(caller, 'GetDatabases', pageInput(input));
      return { DatabaseList: DatabaseList.map(describeDatabase), ...(NextToken !== undefined && { NextToken }) };
    }),
    GetDatabase: operation(['CatalogName', 'DatabaseName', 'WorkGroup'], async (input, caller) => {
      checkCatalog(input);
      return { Database: describeDatabase((await glue(caller, 'GetDatabase', { Name: input.DatabaseName })).Database) };
    }),
    ListTableMetadata: operation(
      ['CatalogName', 'DatabaseName', 'Expression', 'NextToken', 'MaxResults', 'WorkGroup'],
      async (input, caller) => {
        checkCatalog(input);
        const { TableList, NextToken } = await glue(caller, 'GetTables', {
          DatabaseName: input.DatabaseName,
          ...(input.Expression !== undefined && { Expression: input.Expression }),
          ...pageInput(input),
        });
        return { TableMetadataList: TableList.map(describeTable), ...(NextToken !== undefined && { NextToken }) };
      },
    ),
    GetTableMetadata: operation(['CatalogName', 'DatabaseName', 'TableName', 'WorkGroup'], async (input, caller) => {
      checkCatalog(input);
      const { Table } = await glue(caller, 'GetTable', { DatabaseName: input.DatabaseName, Name: input.TableName });
      return { TableMetadata: describeTable(Table) };
    }),
  };
}

const pageInput = (input: Json): Json => ({
  ...(input.NextToken !== undefined && { NextToken: input.NextToken }),
  ...(input.MaxResults !== undefined && { MaxResults: input.MaxResults }),
});

const describeDatabase = ({ Name, Description, Parameters }: Json): Json => ({
  Name,
  ...(Description !== undefined && { Description }),
  ...(Parameters !== undefined && { Parameters }),
});

const describeTable = (table: Json): Json => ({
  Name: table.Name,
  CreateTime: table.CreateTime,
  TableType: table.TableType,
  Columns: table.StorageDescriptor?.Columns ?? [],
  PartitionKeys: table.PartitionKeys ?? [],
  Parameters: {
    ...table.Parameters,
    ...(table.StorageDescriptor?.Location !== undefined && { location: table.StorageDescriptor.Location }),
  },
});

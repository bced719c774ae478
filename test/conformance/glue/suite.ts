import type { Json } from '../../../local/cloud.ts';
import { errorOf, same, uniqueName } from '../expect.ts';
import type { Case, Suite, Target } from '../suite.ts';
import { callGlue, withDatabase } from './call.ts';

type Ask = (operation: string, input: Json) => Promise<Json>;

const on = (name: string, says: string, play: (ask: Ask, DatabaseName: string) => Promise<void>): Case => ({
  name,
  says,
  run(target: Target) {
    const database = uniqueName().replaceAll('-', '_');
    return withDatabase(target, database, () => play((...call) => callGlue(target, ...call), database));
  },
});

const table = (Name: string, columns: Record<string, string>, more: Json = {}): Json => ({
  Name,
  TableType: 'EXTERNAL_TABLE',
  Parameters: { classification: 'parquet' },
  StorageDescriptor: {
    Columns: Object.entries(columns).map(([Name, Type]) => ({ Name, Type })),
    Location: 's3://nowhere/at/all/',
    InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
  },
  ...more,
});

const cases: readonly Case[] = [
  on(
    'databases and tables are made, changed and told',
    'TableInput: "Name: The table name. For Hive compatibility, this is folded to lowercase when it is stored."; PartitionKeys: "A list of columns by which the table is partitioned."; GetPartitions: "Retrieves information about the partitions in a table."',
    async (ask, DatabaseName) => {
      const PartitionKeys = [{ Name: 'day', Type: 'string' }];
      await ask('CreateTable', { DatabaseName, TableInput: table('Letters', { n: 'int' }, { PartitionKeys }) });
      const { Table } = await ask('GetTable', { DatabaseName, Name: 'LETTERS' });
      const told = [Table.Name, Table.DatabaseName, Table.StorageDescriptor.Columns, Table.PartitionKeys];
      same(told, ['letters', DatabaseName, [{ Name: 'n', Type: 'int' }], PartitionKeys]);
      same((await ask('GetPartitions', { DatabaseName, TableName: 'letters' })).Partitions, []);
      const { TableList } = await ask('GetTables', { DatabaseName, Expression: 'let.*' });
      same(
        TableList.map(({ Name }: Json) => Name),
        ['letters'],
      );
      same((await ask('GetTables', { DatabaseName, Expression: 'none' })).TableList, []);
      same((await ask('GetDatabase', { Name: DatabaseName.toUpperCase() })).Database.Name, DatabaseName);
      await ask('DeleteTable', { DatabaseName, Name: 'letters' });
      same(await errorOf(ask('GetTable', { DatabaseName, Name: 'letters' })), 'EntityNotFoundException');
    },
  ),
  on(
    'each change of a table is a version',
    'UpdateTable: "SkipArchive: By default, UpdateTable always creates an archived version of the table before updating it. However, if skipArchive is set to true, UpdateTable does not create the archived version."',
    async (ask, DatabaseName) => {
      await ask('CreateTable', { DatabaseName, TableInput: table('t', { a: 'int' }) });
      await ask('UpdateTable', { DatabaseName, TableInput: table('t', { a: 'int', b: 'string' }) });
      const versions = async () =>
        (await ask('GetTableVersions', { DatabaseName, TableName: 't' })).TableVersions.map(
          ({ VersionId, Table }: Json) => [VersionId, Table.StorageDescriptor.Columns.length],
        );
      same(await versions(), [
        ['1', 2],
        ['0', 1],
      ]);
      await ask('UpdateTable', { DatabaseName, TableInput: table('t', { a: 'bigint' }), SkipArchive: true });
      same((await versions()).length, 2);
      const { Table } = await ask('GetTable', { DatabaseName, Name: 't' });
      same(Table.StorageDescriptor.Columns, [{ Name: 'a', Type: 'bigint' }]);
    },
  ),
  on(
    'what is wrong is said by name',
    'EntityNotFoundException: "A specified entity does not exist"; AlreadyExistsException: "A resource to be created or added already exists."',
    async (ask, DatabaseName) => {
      const TableInput = table('t', { a: 'int' });
      await ask('CreateTable', { DatabaseName, TableInput });
      same(
        [
          await errorOf(ask('CreateTable', { DatabaseName, TableInput })),
          await errorOf(ask('CreateDatabase', { DatabaseInput: { Name: DatabaseName } })),
          await errorOf(ask('GetDatabase', { Name: `${DatabaseName}x` })),
          await errorOf(ask('CreateTable', { DatabaseName: `${DatabaseName}x`, TableInput })),
          await errorOf(ask('UpdateTable', { DatabaseName, TableInput: table('none', { a: 'int' }) })),
          await errorOf(ask('DeleteTable', { DatabaseName, Name: 'none' })),
        ],
        [
          'AlreadyExistsException',
          'AlreadyExistsException',
          'EntityNotFoundException',
          'EntityNotFoundException',
          'EntityNotFoundException',
          'EntityNotFoundException',
        ],
      );
      const { Errors } = await ask('BatchDeleteTable', { DatabaseName, TablesToDelete: ['t', 'none'] });
      same(
        Errors.map(({ TableName, ErrorDetail }: Json) => [TableName, ErrorDetail.ErrorCode]),
        [['none', 'EntityNotFoundException']],
      );
    },
  ),
];

export const glue: Suite = {
  service: 'glue',
  costs: { makes: 'a database with a table', dollars: 0.0001 },
  cases,
};

import { type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import { type GlueDatabase, type GlueTable, openCatalog } from './catalog.ts';

/** Members of a TableInput. https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html */
const TABLE_INPUT = [
  'Name',
  'Description',
  'Owner',
  'LastAccessTime',
  'LastAnalyzedTime',
  'Retention',
  'StorageDescriptor',
  'PartitionKeys',
  'ViewOriginalText',
  'ViewExpandedText',
  'TableType',
  'Parameters',
];
const DATABASE_INPUT = ['Name', 'Description', 'LocationUri', 'Parameters', 'CreateTableDefaultPermissions'];

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  CreateDatabase: ['DatabaseInput', 'Tags'],
  UpdateDatabase: ['Name', 'DatabaseInput'],
  GetDatabase: ['Name'],
  GetDatabases: ['NextToken', 'MaxResults', 'ResourceShareType', 'AttributesToGet'],
  DeleteDatabase: ['Name'],
  CreateTable: ['DatabaseName', 'TableInput', 'Name'],
  UpdateTable: ['DatabaseName', 'TableInput', 'SkipArchive', 'VersionId', 'Force', 'Name'],
  GetTable: ['DatabaseName', 'Name'],
  GetTables: ['DatabaseName', 'Expression', 'NextToken', 'MaxResults', 'AttributesToGet'],
  DeleteTable: ['DatabaseName', 'Name'],
  BatchDeleteTable: ['DatabaseName', 'TablesToDelete'],
  GetTableVersion: ['DatabaseName', 'TableName', 'VersionId'],
  GetTableVersions: ['DatabaseName', 'TableName', 'NextToken', 'MaxResults'],
  GetPartitions: [
    'DatabaseName',
    'TableName',
    'Expression',
    'NextToken',
    'Segment',
    'MaxResults',
    'ExcludeColumnSchema',
  ],
};

/** Makes the embedded Glue Data Catalog and registers it with the cloud. With a `dir` it outlives the process. */
export function createGlue(cloud: Cloud, options: { readonly dir?: string } = {}): Service {
  const catalog = openCatalog(options.dir);
  const { accountId } = cloud.account;
  const now = () => cloud.kernel.clock.now();

  const databaseOf = (name: Json): GlueDatabase => {
    const database = catalog.databases.get(String(name).toLowerCase());
    if (database === undefined) throw notFound(`Database ${String(name).toLowerCase()} not found.`);
    return database;
  };
  const tableOf = (database: Json, name: Json): GlueTable => {
    const table = databaseOf(database).tables.get(String(name).toLowerCase());
    if (table === undefined) throw notFound(`Table ${String(name).toLowerCase()} not found.`);
    return table;
  };
  const versionOf = (table: GlueTable, id?: string) =>
    id === undefined ? table.versions.at(-1) : table.versions.find((version) => version.id === id);

  const tableOut = (database: string, table: GlueTable, id?: string): Json => {
    const version = versionOf(table, id);
    if (version === undefined) throw notFound('Version not found.');
    return {
      ...version.input,
      Name: table.name,
      DatabaseName: database.toLowerCase(),
      CreateTime: table.createdMs / 1000,
      UpdateTime: version.updatedMs / 1000,
      IsRegisteredWithLakeFormation: false,
      CatalogId: accountId,
      VersionId: version.id,
    };
  };
  const databaseOut = (database: GlueDatabase): Json => ({
    ...database.input,
    Name: database.name,
    CreateTime: database.createdMs / 1000,
    CatalogId: accountId,
  });

  const operations: Record<string, (input: Json) => Json> = {
    CreateDatabase({ DatabaseInput }) {
      checkInput('DatabaseInput', DatabaseInput, DATABASE_INPUT);
      const name = nameOf(DatabaseInput.Name);
      if (catalog.databases.has(name)) throw alreadyExists('Database already exists.');
      catalog.databases.set(name, { name, input: DatabaseInput, createdMs: now(), tables: new Map() });
      return {};
    },
    UpdateDatabase({ Name, DatabaseInput }) {
      checkInput('DatabaseInput', DatabaseInput, DATABASE_INPUT);
      const database = databaseOf(Name);
      catalog.databases.set(database.name, { ...database, input: DatabaseInput });
      return {};
    },
    GetDatabase: ({ Name }) => ({ Database: databaseOut(databaseOf(Name)) }),
    GetDatabases: (input) => page(input, 'DatabaseList', [...catalog.databases.values()].map(databaseOut), 100),
    DeleteDatabase({ Name }) {
      catalog.databases.delete(databaseOf(Name).name);
      return {};
    },
    CreateTable({ DatabaseName, TableInput }) {
      checkInput('TableInput', TableInput, TABLE_INPUT);
      const { tables } = databaseOf(DatabaseName);
      const name = nameOf(TableInput.Name);
      if (tables.has(name)) throw alreadyExists('Table already exists.');
      tables.set(name, { name, createdMs: now(), versions: [{ id: '0', updatedMs: now(), input: TableInput }] });
      return {};
    },
    UpdateTable({ DatabaseName, TableInput, VersionId, SkipArchive }) {
      checkInput('TableInput', TableInput, TABLE_INPUT);
      const table = tableOf(DatabaseName, TableInput.Name);
      const current = table.versions.at(-1)!;
      // "The version ID at which to update the table contents."
      if (VersionId !== undefined && VersionId !== current.id) {
        throw new ServiceError(
          'ConcurrentModificationException',
          `Update table failed due to concurrent modifications.`,
        );
      }
      // "By default, UpdateTable always creates an archived version of the table before updating it."
      if (SkipArchive === true) table.versions.pop();
      table.versions.push({ id: String(Number(current.id) + 1), updatedMs: now(), input: TableInput });
      return {};
    },
    GetTable: ({ DatabaseName, Name }) => ({ Table: tableOut(DatabaseName, tableOf(DatabaseName, Name)) }),
    GetTables(input) {
      const database = databaseOf(input.DatabaseName);
      const names =
        input.Expression === undefined
          ? undefined
          : new RegExp(`^(?:${input.Expression.replaceAll('*', '.*').replaceAll('..*', '.*')})$`, 'i');
      const tables = [...database.tables.values()].filter((table) => names?.test(table.name) ?? true);
      return page(
        input,
        'TableList',
        tables.map((table) => tableOut(database.name, table)),
        100,
      );
    },
    DeleteTable({ DatabaseName, Name }) {
      databaseOf(DatabaseName).tables.delete(tableOf(DatabaseName, Name).name);
      return {};
    },
    BatchDeleteTable({ DatabaseName, TablesToDelete }) {
      const { tables } = databaseOf(DatabaseName);
      const Errors = (TablesToDelete as string[])
        .filter((name) => !tables.delete(name.toLowerCase()))
        .map((TableName) => ({
          TableName,
          ErrorDetail: { ErrorCode: 'EntityNotFoundException', ErrorMessage: `Table ${TableName} not found.` },
        }));
      return { Errors };
    },
    GetTableVersion({ DatabaseName, TableName, VersionId }) {
      const table = tableOf(DatabaseName, TableName);
      return {
        TableVersion: { Table: tableOut(DatabaseName, table, VersionId), VersionId: versionOf(table, VersionId)!.id },
      };
    },
    GetTableVersions(input) {
      const table = tableOf(input.DatabaseName, input.TableName);
      const versions = [...table.versions]
        .reverse()
        .map(({ id }) => ({ Table: tableOut(input.DatabaseName, table, id), VersionId: id }));
      return page(input, 'TableVersions', versions, 100);
    },
    // Projection and plain prefixes need none; registering partitions is not hosted, so there are none.
    GetPartitions({ DatabaseName, TableName }) {
      tableOf(DatabaseName, TableName);
      return { Partitions: [] };
    },
  };

  const glue: Service = {
    name: 'glue',
    handle(operation, input) {
      const run = operations[operation];
      if (run === undefined) {
        throw new ServiceError('UnknownOperationException', `Glue operation ${operation} is not hosted here`);
      }
      for (const member of Object.keys(input)) {
        if (member !== 'CatalogId' && !MEMBERS[operation]!.includes(member)) {
          throw invalid(`${operation}: ${member} is not honoured by the embedded Glue`);
        }
      }
      if (input.CatalogId !== undefined && input.CatalogId !== accountId)
        throw notFound(`Catalog ${input.CatalogId} not found.`);
      const output = run(input);
      if (!operation.startsWith('Get')) catalog.save();
      return output;
    },
  };
  cloud.register(glue);
  return glue;
}

/** "For Hive compatibility, this is folded to lowercase when it is stored." */
function nameOf(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.length > 255) throw invalid('Name must have 1 to 255 characters');
  return name.toLowerCase();
}

function checkInput(what: string, input: Json, members: readonly string[]): void {
  if (input === undefined || input === null) throw invalid(`${what} is required`);
  for (const member of Object.keys(input)) {
    if (!members.includes(member)) throw invalid(`${what}.${member} is not honoured by the embedded Glue`);
  }
}

function page(input: Json, member: string, all: Json[], most: number): Json {
  const from = input.NextToken === undefined ? 0 : Number(Buffer.from(input.NextToken, 'base64').toString());
  const to = from + Math.min(input.MaxResults ?? most, most);
  return {
    [member]: all.slice(from, to),
    ...(to < all.length && { NextToken: Buffer.from(String(to)).toString('base64') }),
  };
}

const notFound = (message: string) => new ServiceError('EntityNotFoundException', message);
const alreadyExists = (message: string) => new ServiceError('AlreadyExistsException', message);
const invalid = (message: string) => new ServiceError('InvalidInputException', message);

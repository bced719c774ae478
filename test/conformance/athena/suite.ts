import * as sdk from '@aws-sdk/client-athena';
import { type Shelf, withBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { errorOf, eventually, same, uniqueName } from '../expect.ts';
import type { Case, Suite } from '../suite.ts';

/** A database with the table `letters` (n, letter, twice the letter's line), a work group and a bucket. */
interface Lab {
  readonly client: sdk.AthenaClient;
  readonly WorkGroup: string;
  readonly database: string;
  readonly shelf: Shelf;
  /** Runs a query to its end, however it ends. */
  run(sql: string, more?: Partial<sdk.StartQueryExecutionCommandInput>): Promise<sdk.QueryExecution>;
  /** The rows of a query that must succeed, its header first. */
  rows(sql: string, ...parameters: readonly string[]): Promise<(string | undefined)[][]>;
  /** The error that a query fails with. */
  failure(sql: string, ...parameters: readonly string[]): Promise<string>;
}

const LETTERS =
  "SELECT * FROM (VALUES (1, 'a', rpad('', 4000, 'xy')), (2, 'b', ''), (3, CAST(NULL AS varchar), '')) AS t (n, letter, line)";

/** Makes what a query needs by queries alone, and leaves nothing behind. */
const on = (name: string, says: string, play: (lab: Lab) => Promise<void>): Case => ({
  name,
  says,
  run: (target) =>
    withBucket(target, async (shelf) => {
      const client = clientOf(target, sdk.AthenaClient);
      const WorkGroup = uniqueName();
      const database = WorkGroup.replaceAll('-', '_');
      await client.send(
        new sdk.CreateWorkGroupCommand({
          Name: WorkGroup,
          Configuration: { ResultConfiguration: { OutputLocation: `s3://${shelf.Bucket}/results/` } },
        }),
      );
      const run: Lab['run'] = async (QueryString, more = {}) => {
        const QueryExecutionContext = { Database: database };
        const start = { QueryString, WorkGroup, QueryExecutionContext, ...more };
        const { QueryExecutionId } = await client.send(new sdk.StartQueryExecutionCommand(start));
        return eventually(async () => {
          const { QueryExecution } = await client.send(new sdk.GetQueryExecutionCommand({ QueryExecutionId }));
          return /QUEUED|RUNNING/.test(QueryExecution!.Status!.State!) ? undefined : QueryExecution;
        });
      };
      const given = (parameters: readonly string[]) =>
        parameters.length === 0 ? {} : { ExecutionParameters: [...parameters] };
      const must = async (sql: string, more = {}) => {
        const execution = await run(sql, more);
        if (execution.Status?.State !== 'SUCCEEDED') throw new Error(`${sql}: ${execution.Status?.StateChangeReason}`);
        return execution;
      };
      try {
        await must(`CREATE DATABASE ${database}`, { QueryExecutionContext: {} });
        const place = `external_location = 's3://${shelf.Bucket}/letters/'`;
        await must(`CREATE TABLE letters WITH (format = 'PARQUET', ${place}) AS ${LETTERS}`);
        await play({
          client,
          WorkGroup,
          database,
          shelf,
          run,
          async rows(sql, ...parameters) {
            const { QueryExecutionId } = await must(sql, given(parameters));
            const { ResultSet } = await client.send(new sdk.GetQueryResultsCommand({ QueryExecutionId }));
            return (ResultSet?.Rows ?? []).map(({ Data = [] }) => Data.map(({ VarCharValue }) => VarCharValue));
          },
          async failure(sql, ...parameters) {
            const { Status } = await run(sql, given(parameters));
            same(Status?.State, 'FAILED');
            return /^[A-Z_]+/.exec(Status?.StateChangeReason ?? '')?.[0] ?? `${Status?.StateChangeReason}`;
          },
        });
      } finally {
        await run(`DROP DATABASE IF EXISTS ${database} CASCADE`, { QueryExecutionContext: {} });
        await client.send(new sdk.DeleteWorkGroupCommand({ WorkGroup, RecursiveDeleteOption: true }));
      }
    }),
});

const keyOf = (location: string | undefined) => location!.replace(/^s3:\/\/[^/]+\//, '');

const cases: readonly Case[] = [
  on(
    'a result is a CSV file with every value in quotes, its metadata beside it',
    'Output files: "QueryID.csv … QueryID.csv.metadata"; GetQueryResults: the first row holds the names of the columns; "null values … are not enclosed"',
    async ({ client, run, rows, shelf }) => {
      const sql = 'SELECT n, letter FROM letters ORDER BY n';
      same(await rows(sql), [
        ['n', 'letter'],
        ['1', 'a'],
        ['2', 'b'],
        ['3', undefined],
      ]);
      const { QueryExecutionId, ResultConfiguration, StatementType } = await run(sql);
      const key = keyOf(ResultConfiguration?.OutputLocation);
      same([key, StatementType], [`results/${QueryExecutionId}.csv`, 'DML']);
      same(await shelf.text(key), '"n","letter"\n"1","a"\n"2","b"\n"3",\n');
      same((await shelf.keys(key)).length, 2);
      const answer = await client.send(new sdk.GetQueryResultsCommand({ QueryExecutionId, MaxResults: 1 }));
      const columns = answer.ResultSet?.ResultSetMetadata?.ColumnInfo?.map(({ Name, Type }) => `${Name} ${Type}`);
      same([columns, typeof answer.NextToken], [['n integer', 'letter varchar'], 'string']);
    },
  ),
  on(
    'execution parameters are values, whatever they hold',
    'Parameterized queries: "the values … are applied sequentially to the parameters in the query in the order in which the parameters occur"; strings stand in single quotes',
    async ({ rows, failure }) => {
      const sql = 'SELECT n FROM letters WHERE letter = ? OR n = ? ORDER BY n';
      same(await rows(sql, "'a'", '3'), [['n'], ['1'], ['3']]);
      same(await rows(sql, "'a'' OR ''1''=''1'", '0'), [['n']]);
      same((await failure(sql, "'a'")) === '', false);
      same((await failure(sql, "'a' OR 1=1", '0')) === '', false);
    },
  ),
  on(
    'CREATE TABLE AS writes files, and a table that the catalog tells of',
    'CTAS: "If you don\'t specify a location, Athena uses the query result location"; "external_location … must be empty": HIVE_PATH_ALREADY_EXISTS',
    async ({ client, database, run, rows, failure, shelf }) => {
      const made = await run("CREATE TABLE few WITH (format = 'JSON') AS SELECT n, letter FROM letters WHERE n < 3");
      same([made.Status?.State, made.StatementType], ['SUCCEEDED', 'DDL']);
      same(await rows('SELECT letter FROM few ORDER BY n'), [['letter'], ['a'], ['b']]);
      const read = { CatalogName: 'AwsDataCatalog', DatabaseName: database, TableName: 'few' };
      const { TableMetadata } = await client.send(new sdk.GetTableMetadataCommand(read));
      same(
        TableMetadata?.Columns?.map(({ Name, Type }) => `${Name} ${Type}`),
        ['n int', 'letter string'],
      );
      const manifest = (await shelf.text(keyOf(made.Statistics?.DataManifestLocation))).trim().split('\n');
      for (const location of manifest) await shelf.text(keyOf(location));
      const again = `CREATE TABLE other WITH (external_location = 's3://${shelf.Bucket}/letters/') AS SELECT 1 AS n`;
      same(await failure(again), 'HIVE_PATH_ALREADY_EXISTS');
      same((await run('CREATE TABLE IF NOT EXISTS few AS SELECT 1 AS n')).Status?.State, 'SUCCEEDED');
      same((await run('CREATE TABLE few AS SELECT 1 AS n')).Status?.State, 'FAILED');
      await run('DROP TABLE few');
      same(await failure('SELECT * FROM few'), 'TABLE_NOT_FOUND');
    },
  ),
  on(
    'UNLOAD writes files and a manifest of them, and makes no table',
    'UNLOAD: "The TO destination must be a location in Amazon S3 that has no data"; "Athena generates a metadata file and data manifest file for each UNLOAD query. The manifest tracks the files that the query wrote."',
    async ({ run, shelf, failure }) => {
      const sql = `UNLOAD (SELECT n, letter FROM letters WHERE n < 3) TO 's3://${shelf.Bucket}/out/' WITH (format = 'JSON', compression = 'NONE')`;
      const { Status, Statistics } = await run(sql);
      same(Status?.State, 'SUCCEEDED');
      const manifest = (await shelf.text(keyOf(Statistics?.DataManifestLocation))).trim().split('\n').map(keyOf);
      same(manifest.sort(), [...(await shelf.keys('out/'))].sort());
      const lines = (await Promise.all(manifest.map(shelf.text))).join('').trim().split('\n');
      same(lines.map((line) => JSON.parse(line).letter).sort(), ['a', 'b']);
      same(await failure(sql), 'HIVE_PATH_ALREADY_EXISTS');
    },
  ),
  on(
    'the bytes scanned are those of the columns that were read',
    'Columnar formats: "Athena reads only the columns … required"; QueryExecutionStatistics: "DataScannedInBytes: The number of bytes in the data that was queried."',
    async ({ run }) => {
      const scanned = async (sql: string) => (await run(sql)).Statistics?.DataScannedInBytes ?? -1;
      const [none, one, all] = [
        await scanned('SELECT 1'),
        await scanned('SELECT sum(n) FROM letters'),
        await scanned('SELECT n, letter, line FROM letters'),
      ];
      if (!(none === 0 && one > 0 && all > one)) throw new Error(`scanned ${none}, ${one}, ${all}`);
    },
  ),
  on(
    'a work group has its way, and its limits',
    'EnforceWorkGroupConfiguration: "If set to true, the settings for the workgroup override client-side settings"; BytesScannedCutoffPerQuery: "Minimum value of 10000000"; InvalidRequestException',
    async ({ client, WorkGroup, run, shelf }) => {
      const OutputLocation = `s3://${shelf.Bucket}/elsewhere/`;
      const mine = { ResultConfiguration: { OutputLocation } };
      const place = async () => keyOf((await run('SELECT 1', mine)).ResultConfiguration?.OutputLocation).split('/')[0];
      same(await place(), 'results');
      const update = (more: Omit<sdk.UpdateWorkGroupCommandInput, 'WorkGroup'>) =>
        client.send(new sdk.UpdateWorkGroupCommand({ WorkGroup, ...more }));
      await update({ ConfigurationUpdates: { EnforceWorkGroupConfiguration: false } });
      same(await place(), 'elsewhere');
      same(
        [
          await errorOf(update({ ConfigurationUpdates: { BytesScannedCutoffPerQuery: 9_999_999 } })),
          await errorOf(client.send(new sdk.CreateWorkGroupCommand({ Name: WorkGroup }))),
          await errorOf(run('SELECT 1', { WorkGroup: `${WorkGroup}x` })),
        ],
        Array.from({ length: 3 }, () => 'InvalidRequestException'),
      );
      await update({ State: 'DISABLED' });
      same(await errorOf(run('SELECT 1')), 'InvalidRequestException');
      await update({ State: 'ENABLED' });
    },
  ),
  on(
    'how queries fail, and what is known of them',
    'Error reference: COLUMN_NOT_FOUND, TABLE_NOT_FOUND, DIVISION_BY_ZERO, INVALID_CAST_ARGUMENT; AthenaError: "ErrorCategory: 1 System, 2 User, 3 Other"; ClientRequestToken: "the same response is returned and another query is not created"',
    async ({ client, run, failure, WorkGroup }) => {
      same(
        [
          await failure('SELECT nothing FROM letters'),
          await failure('SELECT * FROM nowhere'),
          await failure('SELECT 1 / (n - n) FROM letters'),
          await failure('SELECT CAST(letter AS integer) FROM letters'),
        ],
        ['COLUMN_NOT_FOUND', 'TABLE_NOT_FOUND', 'DIVISION_BY_ZERO', 'INVALID_CAST_ARGUMENT'],
      );
      const { QueryExecutionId, Status } = await run('SELECT nothing FROM letters');
      same(Status?.AthenaError?.ErrorCategory, 2);
      const results = (id: string | undefined) =>
        errorOf(client.send(new sdk.GetQueryResultsCommand({ QueryExecutionId: id })));
      const missing = '00000000-0000-4000-8000-000000000000';
      same(
        [await results(QueryExecutionId), await results(missing)],
        ['InvalidRequestException', 'InvalidRequestException'],
      );
      const ClientRequestToken = `${uniqueName()}-${'0'.repeat(32)}`;
      const start = async (QueryString: string) =>
        (await client.send(new sdk.StartQueryExecutionCommand({ QueryString, WorkGroup, ClientRequestToken })))
          .QueryExecutionId;
      const first = await start('SELECT 1');
      const others = [await start('SELECT 1'), await errorOf(start('SELECT 2'))];
      await eventually(async () => ((await results(first)) === undefined ? true : undefined));
      same(others, [first, 'InvalidRequestException']);
    },
  ),
];

export const athena: Suite = {
  service: 'athena',
  costs: { makes: 'a bucket, a work group, a database, up to 20 queries of 10 MB at least each', dollars: 0.002 },
  cases,
  waits: true,
};

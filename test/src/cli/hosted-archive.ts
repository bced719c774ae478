import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { startLocal, synthesize } from 'daybook/local';
import { main } from '../../../src/cli/main.ts';
import { bankHistory, rowsOf } from './bank-history.ts';

const root = resolve(import.meta.dirname, '../../..');

/** The bank's stack in the embedded runtime, with a known history in its archive, and the command line pointed at it. */
export async function hostArchive({ columns = 100 } = {}) {
  const assembly = await synthesize(join(root, 'stacks/app.ts'));
  const runtime = await startLocal({ assembly: assembly.directory, log: () => {} });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = { region: runtime.account.region, endpoint: runtime.endpoint, credentials };
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const { outputs } = runtime.stacks.Bank!;
  const history = bankHistory();
  await putRows(new S3Client({ ...client, forcePathStyle: true }), outputs.DaybookArchiveBucketName!, rowsOf(history));
  const flags = ['--stack', 'Bank', '--endpoint-url', runtime.endpoint, '--region', runtime.account.region];

  async function daybook(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const terminal = { columns, colored: false, out: (t: string) => out.push(t), err: (t: string) => err.push(t) };
    const code = await main([...args, ...flags], terminal);
    // How often progress is told depends on how fast this machine is.
    const said = err.filter((line) => !/^((queued|running), [\d.]+ s, |[\d,]+ rows written)/.test(line));
    return { code, out: out.flatMap((text) => text.split('\n')), err: said };
  }
  return {
    daybook,
    flags,
    client,
    history,
    outputs,
    runtime,
    async close() {
      await runtime.stop();
      assembly.dispose();
    },
  };
}

/** As Firehose lays them out: by arrival day and bucket. */
async function putRows(s3: S3Client, Bucket: string, rows: readonly object[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-history-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  try {
    writeFileSync(join(folder, 'rows.json'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const connection = await instance.connect();
    await connection.run(
      `COPY (SELECT * FROM read_json('${folder}/rows.json', format = 'newline_delimited', columns = {aggregate_uuid: 'VARCHAR',
         aggregate_type: 'VARCHAR', version: 'BIGINT', type: 'VARCHAR', schema_version: 'INTEGER', commit_id: 'VARCHAR',
         commit_first: 'BIGINT', commit_last: 'BIGINT', recorded_at: 'TIMESTAMP', occurred_at: 'TIMESTAMP', data: 'VARCHAR',
         metadata: 'VARCHAR', day: 'VARCHAR', bucket: 'VARCHAR'}))
       TO '${folder}/events' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (day, bucket))`,
    );
    connection.closeSync();
    for (const path of readdirSync(join(folder, 'events'), { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.parquet')) continue;
      const Body = readFileSync(join(folder, 'events', path));
      await s3.send(new PutObjectCommand({ Bucket, Key: `events/${path.replaceAll('\\', '/')}`, Body }));
    }
  } finally {
    instance.closeSync();
    s3.destroy();
    rmSync(folder, { recursive: true });
  }
}

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { startLocal } from 'daybook/local';
import { credentialsFor } from '../../../local/lambda/credentials.ts';
import { type ArchiveCheck, checkKey } from '../../../src/archive/check-archive.ts';
import { main } from '../../../src/cli/main.ts';
import { bankAssembly } from '../../bank-assembly.ts';
import { bankHistory, rowsOf } from './bank-history.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The command line, here and in processes that a test starts, takes its credentials from the environment. */
function signIn({ accessKeyId, secretAccessKey }: Keys): void {
  process.env.AWS_ACCESS_KEY_ID = accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = secretAccessKey;
}

/**
 * The bank's stack in the embedded runtime, with a known history in its archive, and the command line pointed at it: with what
 * `grantQuery` grants the bank's analysts, and no more.
 */
export async function hostArchive({ columns = 100 } = {}) {
  const runtime = await startLocal({ assembly: await bankAssembly(), log: () => {} });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = { region: runtime.account.region, endpoint: runtime.endpoint, credentials };
  const { outputs, byPath } = runtime.stacks.Bank!;
  const analyst = credentialsFor(`arn:aws:iam::${runtime.account.accountId}:role/${byPath['Bank/Analysts']}`);
  signIn(analyst);
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
    /** An analyst of the bank, for any SDK's client. */
    analyst: { ...client, credentials: analyst },
    /** Who may do everything runs the command. */
    async asOwner(...args: string[]) {
      signIn(credentials);
      try {
        return await daybook(...args);
      } finally {
        signIn(analyst);
      }
    },
    flags,
    client,
    history,
    outputs,
    runtime,
    /** A run of the check, as the check writes it, on the day of the run unless another one is said. */
    async putCheck(
      check: Pick<ArchiveCheck, 'checked_at'> & Partial<ArchiveCheck>,
      day = check.checked_at.slice(0, 10),
    ) {
      const s3 = new S3Client({ ...client, forcePathStyle: true });
      const Key = checkKey(check.checked_at).replace(/day=[\d-]+/, `day=${day}`);
      await s3.send(
        new PutObjectCommand({ Bucket: outputs.DaybookArchiveBucketName!, Key, Body: JSON.stringify(check) }),
      );
      s3.destroy();
    },
    async close() {
      await runtime.stop();
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

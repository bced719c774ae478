import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createCloud } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { startHttp } from '../../../local/host/http.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { main } from '../../../src/cli/main.ts';
import { makeDynamoTables } from '../../contract/dynamo-tables.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';

/** An events table behind an endpoint on this machine, and the command line pointed at it. */
export async function hostTable({ columns = 100 } = {}) {
  const kernel = realKernel({ seed: 1 });
  const cloud = createCloud(kernel);
  createDynamoDb(cloud);
  const no = () => {
    throw new Error('only DynamoDB is here');
  };
  const http = await startHttp({ cloud, roleOfAccessKey: () => undefined, s3: no, defect: no });
  // What the tests put there takes the short way; the command line takes the long one.
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  const tables = await makeDynamoTables(client);
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const flags = ['--table', tables.tableName, '--endpoint-url', http.endpoint, '--region', 'us-east-1'];

  async function daybook(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const terminal = { columns, colored: false, out: (t: string) => out.push(t), err: (t: string) => err.push(t) };
    const end = args.indexOf('--');
    const all = end < 0 ? [...args, ...flags] : [...args.slice(0, end), ...flags, ...args.slice(end)];
    const code = await main(all, terminal);
    return { code, out, err };
  }

  return {
    ...tables,
    client,
    endpoint: http.endpoint,
    daybook,
    async close() {
      client.destroy();
      await http.stop();
      kernel.stop();
    },
  };
}

/**
 * `npm run conformance:cpu`: server CPU of a conditional put with a stream, the embedded runtime ÷ DynamoDB Local, both behind
 * HTTP in processes of their own. Rounds take turns; the first ones warm both up. Linux only: it reads /proc.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Json } from '../../local/cloud.ts';
import { startDynamoDbLocal } from '../../scripts/dynamodb-local.ts';
import { itemOf, storedTransfers } from '../bench/ledger.ts';
import { table } from './dynamodb/scenario.ts';
import { configOf } from './embedded.ts';
import { cpuOf } from './server-cpu.ts';

const PUTS = 2_000;
const AT_ONCE = 8;
const [WARM, ROUNDS] = [3, 5];
const TABLE = table('events', 'AggregateUuid:S', 'Version:N', {
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
});

const local = await startDynamoDbLocal();
if (typeof local === 'string') {
  console.log(`conformance:cpu needs ${local}, which is not here: nothing was compared.`);
  process.exit();
}
const child = fork(new URL('./serve.ts', import.meta.url), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
const [address] = await once(child.stdout!, 'data');
try {
  const sides = [
    { pid: child.pid!, client: new DynamoDBClient(configOf(String(address).trim())) },
    { pid: local.pid, client: new DynamoDBClient(configOf(local.endpoint)) },
  ];
  for (const { client } of sides) await client.send(new CreateTableCommand(TABLE));
  const ratios: number[] = [];
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const spent: number[] = [];
    for (const { pid, client } of sides) spent.push(await measure(pid, client, `r${round}`));
    if (round >= WARM) ratios.push(spent[0]! / spent[1]!);
    console.log(
      `${round < WARM ? 'warm ' : ''}round ${round}: ${spent.map((ms) => (ms / PUTS).toFixed(3)).join(' ÷ ')} ms`,
    );
  }
  ratios.sort((a, b) => a - b);
  console.log(
    `conditional puts, server CPU ÷ DynamoDB Local: ${ratios[Math.floor(ROUNDS / 2)]!.toFixed(2)} [${ratios[0]!.toFixed(2)} – ${ratios.at(-1)!.toFixed(2)}], budget 0.5`,
  );
} finally {
  child.kill();
  local.stop();
}

async function measure(pid: number, client: DynamoDBClient, aggregate: string): Promise<number> {
  const puts = storedTransfers(PUTS, aggregate).map(
    (event) =>
      new PutItemCommand({
        TableName: 'events',
        Item: itemOf(event) as Json,
        ConditionExpression: 'attribute_not_exists(AggregateUuid)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
  );
  const before = cpuOf(pid);
  const work = async () => {
    for (let put = puts.pop(); put !== undefined; put = puts.pop()) await client.send(put);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return cpuOf(pid) - before;
}

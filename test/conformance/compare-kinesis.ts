/**
 * `npm run conformance:kinesis`: records of PutRecords per second of server CPU, the embedded runtime ÷ kinesis-local, both behind
 * HTTP in processes of their own. Rounds take turns; the first one warms both up. Each
 * stream is new and gets the same: kinesis-local slows down as a stream fills. The embedded runtime fills several, since ticks are 10 ms. Linux only: it reads /proc.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { SQSClient } from '@aws-sdk/client-sqs';
import { startKinesisLocal } from '../../scripts/kinesis-local.ts';
import { storedTransfers } from '../bench/ledger.ts';
import { configOf } from './embedded.ts';
import { eventually } from './expect.ts';
import { cpuOf } from './server-cpu.ts';

const [CALLS, RECORDS, AT_ONCE] = [10, 500, 2];
const [WARM, ROUNDS] = [1, 3];

const Records = storedTransfers(RECORDS, 'ledger').map((event, i) => ({
  Data: Buffer.from(JSON.stringify(event)),
  PartitionKey: `ledger-${i}`,
}));

const local = await startKinesisLocal();
const child = fork(new URL('./serve.ts', import.meta.url), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
const [address] = await once(child.stdout!, 'data');
try {
  const sides = [
    { pid: child.pid!, client: clientOf(String(address).trim()), streams: 8 },
    { pid: local.pid, client: clientOf(local.endpoint), streams: 1 },
  ];
  const ratios: number[] = [];
  for (let round = 0; round < WARM + ROUNDS; round++) {
    const rates: number[] = [];
    for (const { pid, client, streams } of sides) {
      let ms = 0;
      for (let i = 0; i < streams; i++) ms += await measure(pid, client, `feed-${round}-${i}`);
      rates.push(Math.round((streams * CALLS * RECORDS * 1000) / ms));
    }
    if (round >= WARM) ratios.push(rates[0]! / rates[1]!);
    console.log(`${round < WARM ? 'warm ' : ''}round ${round}: ${rates.join(' ÷ ')} records per second of CPU`);
  }
  ratios.sort((a, b) => a - b);
  console.log(
    `PutRecords, records per second of server CPU ÷ kinesis-local: ${ratios[Math.floor(ROUNDS / 2)]!.toFixed(1)} [${ratios[0]!.toFixed(1)} – ${ratios.at(-1)!.toFixed(1)}], budget 5`,
  );
} finally {
  child.kill();
  local.stop();
}

/** HTTP/1.1, which both speak: the handler of another service's client. */
function clientOf(endpoint: string): KinesisClient {
  const config = configOf(endpoint);
  return new KinesisClient({ ...config, requestHandler: new SQSClient(config).config.requestHandler });
}

async function makeStream(client: KinesisClient, StreamName: string): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 4 }));
  await eventually(async () => {
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
    return StreamDescriptionSummary?.StreamStatus === 'ACTIVE' ? true : undefined;
  });
}

async function measure(pid: number, client: KinesisClient, StreamName: string): Promise<number> {
  await makeStream(client, StreamName);
  const before = cpuOf(pid);
  let left = CALLS;
  const work = async () => {
    while (left-- > 0) {
      const { FailedRecordCount } = await client.send(new PutRecordsCommand({ StreamName, Records }));
      if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records were refused`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const spent = cpuOf(pid) - before;
  await client.send(new DeleteStreamCommand({ StreamName }));
  return spent;
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createCloud, ROOT } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { journalFile } from '../../../local/host/journal-file.ts';
import { synthesize } from '../../../local/host/synth.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { toItem } from '../../../src/aws/event-item.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const root = process.cwd();
/** `daybook dev` runs JavaScript: `npm run build -- --no-types` makes it. */
const cli = join(root, 'bin/daybook.js');
const EVENTS = 100_000;

/** What a person waits for, and what the runtime then takes of the machine. */
export default defineBench({
  name: 'dev-start',
  rounds: 5,
  warmUp: 1,
  figures: [
    {
      name: 'dev-start',
      what: 'start of `daybook dev` with the bank’s synthesized template at hand, in s until it is ready, wall',
      formula: { kind: 'reading', of: 'fresh', by: 'seconds', unit: 's' },
      budget: { atMost: 3 },
    },
    {
      name: 'dev-memory',
      what: 'resident memory 5 s later, idle, with the bank, in MB',
      formula: { kind: 'reading', of: 'fresh', by: 'megabytes', unit: 'MB' },
      budget: { atMost: 300 },
    },
    {
      name: 'dev-restart',
      what: `the same start with --data that holds ${EVENTS.toLocaleString('en')} events, in the table, its stream and the feed, wall`,
      formula: { kind: 'reading', of: 'kept', by: 'seconds', unit: 's' },
    },
    {
      name: 'dev-restart-memory',
      what: 'resident memory 5 s later, in MB',
      formula: { kind: 'reading', of: 'kept', by: 'megabytes', unit: 'MB' },
    },
  ],
  async prepare() {
    const assembly = await synthesize(undefined);
    const data = resolve(root, '.cache/bench/dev-start');
    rmSync(data, { recursive: true, force: true });
    await fill(data);
    const side = (folder: string | undefined) => {
      let readings = { seconds: 0, megabytes: 0 };
      return {
        count: 1,
        async run() {
          const begun = performance.now();
          const child = await start(assembly.directory, folder);
          const seconds = (performance.now() - begun) / 1000;
          await new Promise((done) => setTimeout(done, 5_000));
          readings = { seconds, megabytes: residentMegabytes(child.pid!) };
          await end(child);
        },
        readings: () => readings,
      };
    };
    return {
      sides: { fresh: side(undefined), kept: side(data) },
      close() {
        assembly.dispose();
        rmSync(data, { recursive: true, force: true });
      },
    };
  },
});

/** Events in a table of their own, so that what is measured is the restart and not their way through the bank. */
async function fill(data: string): Promise<void> {
  mkdirSync(data, { recursive: true });
  const kernel = realKernel();
  const cloud = createCloud(kernel);
  const journal = journalFile(join(data, 'journal.jsonl'));
  createDynamoDb(cloud, { journal });
  createKinesis(cloud, { journal });
  journal.open();
  const call = (service: 'dynamodb' | 'kinesis', operation: string, input: object) =>
    cloud.call(ROOT, service, operation, input);
  await call('dynamodb', 'CreateTable', {
    TableName: 'ledger',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'AggregateUuid', KeyType: 'HASH' },
      { AttributeName: 'Version', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'AggregateUuid', AttributeType: 'S' },
      { AttributeName: 'Version', AttributeType: 'N' },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
  await call('kinesis', 'CreateStream', { StreamName: 'ledger', ShardCount: 4 });
  for (let i = 0; i < EVENTS / 100; i++) {
    const aggregate = `ledger-${i}`;
    for (const event of storedTransfers(100, aggregate)) {
      await call('dynamodb', 'PutItem', { TableName: 'ledger', Item: toItem(event) });
      const envelope = filledEnvelope('ledger', aggregate, event.version, event.version, [toEnvelopeEvent(event)]);
      const Data = Buffer.from(JSON.stringify(envelope)).toString('base64');
      await call('kinesis', 'PutRecord', { StreamName: 'ledger', Data, PartitionKey: aggregate });
    }
  }
  journal.close();
  kernel.stop();
}

async function start(assembly: string, data: string | undefined): Promise<ChildProcess> {
  const args = ['dev', '--app', assembly, '--json', '--no-tour', ...(data === undefined ? [] : ['--data', data])];
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'], cwd: root });
  const [ready] = await Promise.race([once(child.stdout!, 'data'), once(child, 'close')]);
  if (!Buffer.isBuffer(ready)) throw new Error('daybook dev ended before it was ready: is dist/ built?');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

function residentMegabytes(pid: number): number {
  const text =
    process.platform === 'linux'
      ? readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/)![1]!
      : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return Number(text) / 1024;
}

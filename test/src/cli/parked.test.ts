import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCloud, type Json, ServiceError } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { type HttpFront, startHttp } from '../../../local/host/http.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { main } from '../../../src/cli/main.ts';
import { defineEvent } from '../../../src/event/event-definition.ts';
import { consumeEvents } from '../../../src/feed/consume/consume-events.ts';
import { dynamoPositionTable } from '../../../src/feed/consume/index.ts';
import { createEventStore, dynamoEventTable } from '../../../src/index.ts';
import { makeDynamoTables } from '../../contract/dynamo-tables.ts';
import { kinesisEvent } from '../../simulation/records.ts';
import { full } from '../feed/consume/crashing.ts';

const MoneyDeposited = defineEvent({ type: 'MoneyDeposited', data: { type: 'object' } });

let http: HttpFront;
let client: DynamoDBClient;
let flags: NodeJS.ProcessEnv;
/** `a:2`: what fails until it is mended. */
const poison = new Set<string>();
const done: string[] = [];
const asked: string[] = [];
let remainingMs = 60_000;
let handler: ReturnType<typeof consumeEvents>;
let run = 0;

beforeAll(async () => {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  cloud.register({
    name: 'lambda',
    async handle(operation, { FunctionName, Payload }: Json) {
      asked.push(`${operation} ${FunctionName}`);
      if (FunctionName === 'gone')
        throw new ServiceError('ResourceNotFoundException', 'Function not found', { status: 404 });
      if (FunctionName === 'other') return { StatusCode: 200, Payload: Buffer.from('"hello"') };
      try {
        const answer = await handler(JSON.parse(Payload.toString()), { getRemainingTimeInMillis: () => remainingMs });
        return { StatusCode: 200, Payload: Buffer.from(JSON.stringify(answer)) };
      } catch (error) {
        const { name: errorType, message: errorMessage } = error as Error;
        const Payload = Buffer.from(JSON.stringify({ errorType, errorMessage }));
        return { StatusCode: 200, FunctionError: 'Unhandled', Payload };
      }
    },
  });
  const no = () => {
    throw new Error('only DynamoDB and Lambda are here');
  };
  http = await startHttp({ cloud, roleOfAccessKey: () => undefined, s3: no, defect: no });
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  client = new DynamoDBClient({ region: 'us-east-1', endpoint: http.endpoint });
});

afterAll(async () => {
  client.destroy();
  await http.stop();
});

beforeEach(async () => {
  const { tableName: EVENTS } = await makeDynamoTables(client);
  const POSITIONS = `positions-${run++}`;
  await client.send(
    new CreateTableCommand({
      TableName: POSITIONS,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'Consumer', AttributeType: 'S' },
        { AttributeName: 'ParkedIn', AttributeType: 'S' },
      ],
      KeySchema: [{ AttributeName: 'Consumer', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'ParkedAggregates',
          KeySchema: [
            { AttributeName: 'ParkedIn', KeyType: 'HASH' },
            { AttributeName: 'Consumer', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  flags = {
    DAYBOOK_EVENTS_TABLE: EVENTS,
    DAYBOOK_POSITIONS_TABLE: POSITIONS,
    DAYBOOK_FEED: 'feed-1',
    AWS_ENDPOINT_URL: http.endpoint,
    AWS_REGION: 'us-east-1',
  };
  Object.assign(process.env, flags);
  poison.clear();
  done.length = 0;
  asked.length = 0;
  remainingMs = 60_000;
  const table = dynamoEventTable({ client, tableName: EVENTS });
  const store = createEventStore({ table, clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) } });
  for (const [aggregate, length] of [
    ['a', 5],
    ['b|1', 2],
  ] as const) {
    for (let version = 1; version <= length; version++) {
      const target = { aggregate: 'Account', aggregateUuid: aggregate, expectedVersion: version - 1 };
      await store.append(target, [{ type: 'MoneyDeposited', data: { amount: version, secret: 'hush' } }]);
    }
  }
  process.env.AWS_LAMBDA_FUNCTION_NAME = 'ledger-function';
  handler = consumeEvents({
    name: 'ledger',
    feed: 'feed-1',
    events: [MoneyDeposited],
    attempts: 1,
    positions: dynamoPositionTable({ client, tableName: POSITIONS, feed: 'feed-1' }),
    table,
    clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 6) },
    effect: ({ aggregateUuid, version, data }) => {
      const id = `${aggregateUuid}:${version}`;
      if (poison.has(id)) throw new TypeError(`cannot do ${JSON.stringify(data)}`);
      done.push(id);
      return [];
    },
    report: () => {},
  });
  delete process.env.AWS_LAMBDA_FUNCTION_NAME;
});

async function daybook(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = { columns: 200, colored: false, out: (t: string) => out.push(t), err: (t: string) => err.push(t) };
  const code = await main(args, terminal);
  return { code, out, err };
}

/** a is parked at 2, b|1 at 1; a's versions up to 5 wait. */
async function park() {
  poison.add('a:2').add('b|1:1');
  await handler(kinesisEvent([full('a', 1, 3), full('b|1', 1, 2), full('a', 4, 5)]));
  expect(done).toEqual(['a:1']);
}

describe('daybook parked', () => {
  it('lists what is parked, without any payload', async () => {
    expect(await daybook('parked')).toEqual({ code: 0, out: [], err: ['nothing is parked'] });
    await park();
    const { code, out } = await daybook('parked');
    expect(code).toBe(0);
    expect(out[0]).toMatch(/^consumer +aggregate +version +waiting +since +attempts +code +message$/);
    expect(out[1]).toMatch(/^ledger +a +2 +to 5 +2026-01-02 03:04:06Z +1 +TypeError +at /);
    expect(out[2]).toMatch(/^ledger +b\|1 +1 +to 2 +2026-01-02 03:04:06Z +1 +TypeError +at /);
    expect((await daybook('parked', 'ledger')).out).toEqual(out);
    expect((await daybook('parked', 'led')).err).toEqual(['nothing is parked']);
    const json = await daybook('parked', '--json');
    expect(json.out.map((line) => JSON.parse(line))).toMatchObject([
      { consumer: 'ledger', aggregate: 'a', version: 2, waiting: 5, attempts: 1, function: 'ledger-function' },
      { consumer: 'ledger', aggregate: 'b|1', version: 1, waiting: 2 },
    ]);
    expect(JSON.stringify([out, json.out])).not.toContain('hush');
  });

  it('shows one with its event, and what is in the event only when asked', async () => {
    await park();
    const { code, out } = await daybook('parked', 'ledger', 'a');
    expect(code).toBe(0);
    expect(out.join('\n')).toMatch(/parked at +version 2, after 1 attempts\n/);
    expect(out.join('\n')).toMatch(/waiting +versions 2 to 5\n/);
    expect(out.join('\n')).toMatch(/event +MoneyDeposited, schema version 1\noccurred +2026-01-02T03:04:05.000Z/);
    expect(out.join('\n')).not.toContain('hush');
    expect((await daybook('parked', 'ledger', 'a', '--data')).out.join('\n')).toContain('"secret":"hush"');
    expect((await daybook('parked', 'ledger', 'a', '--json')).out[0]).not.toContain('hush');
    const other = await daybook('parked', 'ledger', 'c');
    expect(other).toMatchObject({ code: 1, err: ['cli.notParked: "c" is not parked by ledger.'] });
  });
});

describe('daybook redrive', () => {
  it('lets the consumer go on, in order, and says how far', async () => {
    await park();
    poison.clear();
    const { code, out } = await daybook('redrive', 'ledger', '--all');
    expect(out).toEqual(['went on     a  to version 5', 'went on     b|1  to version 2']);
    expect(code).toBe(0);
    expect(done.filter((id) => id.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3', 'a:4', 'a:5']);
    expect(asked).toEqual(['Invoke ledger-function']);
    expect((await daybook('parked')).err).toEqual(['nothing is parked']);
  });

  it('fails when something stays parked, at whatever failed now', async () => {
    await park();
    poison.clear();
    poison.add('a:4');
    const { code, out, err } = await daybook('redrive', 'ledger', 'a', 'b|1', '--json');
    expect(out.map((line) => JSON.parse(line))).toEqual([
      { aggregate: 'a', outcome: 'parked', version: 4, code: 'TypeError' },
      { aggregate: 'b|1', outcome: 'wentOn', position: 2 },
    ]);
    expect(code).toBe(1);
    expect(err.at(-1)).toMatch(/^cli.stillParked: 1 aggregate of ledger stay parked/);
    expect((await daybook('parked')).out[1]).toMatch(/^ledger +a +4 +to 5 /);
  });

  it('goes on where the time of an invocation was up, as long as it comes forward', async () => {
    await park();
    poison.clear();
    remainingMs = 60_000;
    let calls = 0;
    const inTime = handler;
    // Each invocation is late after its first event.
    handler = ((event: unknown) => {
      const before = done.length;
      calls++;
      return inTime(event, { getRemainingTimeInMillis: () => (done.length === before ? 60_000 : 1) });
    }) as typeof handler;
    const { code, out } = await daybook('redrive', 'ledger', 'a');
    expect(out).toEqual(['went on     a  to version 5']);
    expect(code).toBe(0);
    expect(calls).toBeGreaterThan(2);
  });

  it('gives up exactly the version that is named', async () => {
    await park();
    const other = await daybook('redrive', 'ledger', 'a', '--skip', '--version', '3');
    expect(other).toMatchObject({ code: 1, out: ['failed      a  feed.skipRefused'] });
    expect(other.err[0]).toBe('Version 3 of a is not given up: it stays parked at version 2.');
    const skipped = await daybook('redrive', 'ledger', 'a', '--skip', '--version', '2');
    expect(skipped.err[0]).toBe('Version 2 of a is given up: ledger will never do it.');
    expect(skipped).toMatchObject({ code: 0, out: ['went on     a  to version 5'] });
    expect(done).toEqual(['a:1', 'a:3', 'a:4', 'a:5']);
  });

  it.each([
    [[], 2, 'It takes the name of a consumer'],
    [['ledger'], 2, 'It takes aggregates or --all'],
    [['ledger', 'a', '--all'], 2, 'It takes aggregates or --all'],
    [['ledger', 'a', '--skip'], 2, '--skip and --version N go together'],
    [['ledger', 'a', '--version', '2'], 2, '--skip and --version N go together'],
    [['ledger', '--all', '--skip', '--version', '2'], 2, '--skip is for one aggregate'],
    [['ledger', 'a', '--skip', '--version', 'x'], 2, 'it takes 1, 2, 3'],
    [['ledger', 'c'], 1, 'cli.notParked'],
    [['ledger', 'a', '--function', 'other'], 1, 'its answer is none of consumeEvents'],
    [['ledger', 'a', '--function', 'gone'], 1, 'the function gone did not redrive: there is none of this name'],
    [['wrong', '--all'], 0, 'nothing is parked'],
  ])('%j', async (args, code, message) => {
    await park();
    const answer = await daybook('redrive', ...args);
    expect(answer.err[0]).toContain(message);
    expect(answer.code).toBe(code);
  });

  it('says what the function says when it refuses', async () => {
    await park();
    const wrong = handler;
    handler = ((event: { consumer: string }) => wrong({ ...event, consumer: 'x' })) as unknown as typeof handler;
    const { code, err } = await daybook('redrive', 'ledger', 'a');
    expect(err[0]).toContain('feed.redriveInvalid: this is no redrive of consumer ledger: it is for the consumer "x"');
    expect(code).toBe(1);
  });
});

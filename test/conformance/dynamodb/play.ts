import * as sdk from '@aws-sdk/client-dynamodb';
import * as streams from '@aws-sdk/client-dynamodb-streams';
import type { Json } from '../../../local/cloud.ts';
import type { Call, Scenario } from './scenario.ts';

/** What one call came to, as a file can keep it. */
export interface Answer {
  readonly error?: string;
  readonly message?: string;
  readonly output: Json;
}

/** What differs from account to account and from moment to moment. */
const OWN = new Set([
  '$metadata',
  'CreationDateTime',
  'TableId',
  'TableArn',
  'IndexArn',
  'LatestStreamArn',
  'LatestStreamLabel',
  'LastUpdateToPayPerRequestDateTime',
  'LastIncreaseDateTime',
  'LastDecreaseDateTime',
  'BackfillingStatus',
  'StreamArn',
  'StreamLabel',
  'CreationRequestDateTime',
  'ShardId',
  'ParentShardId',
  'SequenceNumber',
  'StartingSequenceNumber',
  'EndingSequenceNumber',
  'ShardIterator',
  'NextShardIterator',
  'eventID',
  'ApproximateCreationDateTime',
  'awsRegion',
]);

/** A value as a file keeps it: bytes as base64, long texts by their length, nothing that is an endpoint's own. */
function show(value: Json): Json {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'string') return value.length > LONG ? `${value.slice(0, 20)}… (${value.length})` : value;
  if (Array.isArray(value)) return value.map(show);
  if (typeof value !== 'object' || value === null) return value;
  const shown: Json = {};
  for (const name of Object.keys(value).sort()) {
    if (OWN.has(name) || value[name] === undefined) continue;
    const isSet = ['SS', 'NS', 'BS'].includes(name) && Array.isArray(value[name]);
    shown[name.length > LONG ? show(name) : name] = show(isSet ? sorted(value[name]) : value[name]);
  }
  return shown;
}

const LONG = 400;

/** A set has no order. */
function sorted(members: Json[]): Json[] {
  return members.map(show).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

export interface Clients {
  readonly tables: sdk.DynamoDBClient;
  readonly streams: streams.DynamoDBStreamsClient;
}

async function ask(clients: Clients, [operation, input]: Call, outputs: Json[]): Promise<Answer> {
  const command = `${operation}Command`;
  const given = typeof input === 'function' ? input(outputs) : input;
  try {
    const output: Json = await (command in streams
      ? clients.streams.send(new (streams as Json)[command](given))
      : clients.tables.send(new (sdk as Json)[command](given)));
    outputs.push(output);
    return { output: show(output) };
  } catch (error) {
    outputs.push(undefined);
    const { name, message, Item, CancellationReasons } = error as Json;
    // A stream's ARN holds the moment of its beginning.
    // DynamoDB Local lists the types of a set in another order in each run.
    const text = String(message)
      .replaceAll(/arn:aws:dynamodb:\S+/g, '<arn>')
      .replaceAll(/(?<=\{)[A-Z]+(?:,[A-Z]+)+(?=\})/g, (types) => types.split(',').sort().join(','));
    return { error: name, message: text, output: show({ Item, CancellationReasons }) };
  }
}

/** Makes the scenario's tables, plays its calls, and leaves nothing behind. */
export async function play(clients: Clients, scenario: Scenario): Promise<readonly Answer[]> {
  const client = clients.tables;
  const answers: Answer[] = [];
  const outputs: Json[] = [];
  for (const table of scenario.tables ?? []) await client.send(new sdk.CreateTableCommand(table));
  for (const { TableName } of scenario.tables ?? [])
    await sdk.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName });
  try {
    for (const call of scenario.calls) answers.push(await ask(clients, call, outputs));
  } finally {
    for (const TableName of new Set([...(scenario.tables ?? []).map((table) => table.TableName), 'conf-tables'])) {
      await client.send(new sdk.DeleteTableCommand({ TableName })).catch(() => {});
    }
  }
  return answers;
}

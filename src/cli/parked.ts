import './errors.ts';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable } from '../aws/dynamo-event-table.ts';
import { parkedAggregates } from '../aws/dynamo-parked.ts';
import { dynamoPositionTable } from '../aws/dynamo-position-table.ts';
import { DaybookError } from '../errors.ts';
import type { ParkedAggregate } from '../feed/position-table.ts';
import { oneLine } from './cells.ts';
import { orUsage } from './command.ts';
import { findTarget, needName, TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { columnsOf, cut, paint, type Terminal } from './terminal.ts';

export const help = `daybook parked [CONSUMER [AGGREGATE]] [--data] [--json]

The aggregates at which consumers gave up: an event failed so often that its aggregate waits for you, while others go on. Without
an aggregate it lists them, with one it shows the event too. Mend and deploy the consumer, then: daybook redrive CONSUMER --all

  --data                show the event's data and metadata; it may be private
  --json                one JSON object a line
${TARGET_HELP}

  npx daybook parked
  npx daybook parked overdraft-fees account-1`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  data: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('parked', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values, positionals } = parsed;
  const [consumer, aggregate, ...more] = positionals;
  if (more.length > 0) {
    throw new DaybookError('cli.usage', { problem: 'It takes a consumer and an aggregate', command: 'parked' });
  }
  const target = await findTarget(values);
  const feed = needName(target, 'FeedName', 'parked');
  const tableName = needName(target, 'PositionsTableName', 'parked');
  const client = new DynamoDBClient(target.client);
  try {
    if (consumer === undefined || aggregate === undefined) {
      const found: ParkedAggregate[] = [];
      for await (const each of parkedAggregates({ client, tableName, feed }, consumer)) {
        if (values.json) terminal.out(JSON.stringify(each));
        else found.push(each);
      }
      if (found.length > 0) showAll(found, terminal);
      else if (!values.json) terminal.err('nothing is parked');
      return;
    }
    const standings = await dynamoPositionTable({ client, tableName, feed }).standings(consumer, [aggregate]);
    const standing = standings.get(aggregate);
    if (standing?.parked === undefined) {
      throw new DaybookError('cli.notParked', { consumer, aggregateUuid: aggregate });
    }
    const { position, attempts, parked } = standing;
    const each: ParkedAggregate = { consumer, aggregate, position, attempts, ...parked };
    const table = dynamoEventTable({ client, tableName: needName(target, 'EventsTableName', 'parked') });
    const event = await eventOf(table, each);
    if (values.json) {
      const shown = event === undefined || values.data ? event : { ...event, data: undefined, metadata: undefined };
      terminal.out(JSON.stringify({ ...each, event: shown }));
    } else showOne(each, event, values.data, terminal);
  } finally {
    client.destroy();
  }
}

type Events = ReturnType<typeof dynamoEventTable>;

/** What failed may be an item that is no event, or its absence. */
async function eventOf(table: Events, { aggregate, version }: ParkedAggregate) {
  try {
    return await table.get(aggregate, version);
  } catch {
    return undefined;
  }
}

const since = (text: string) => text.replace('T', ' ').replace(/\.\d+Z$/, 'Z');

function showAll(found: readonly ParkedAggregate[], terminal: Terminal): void {
  const head = ['consumer', 'aggregate', 'version', 'waiting', 'since', 'attempts', 'code', 'message'];
  const rows = found.map((each) => [
    each.consumer,
    each.aggregate,
    String(each.version),
    `to ${each.waiting}`,
    since(each.since),
    String(each.attempts),
    each.code,
    each.message,
  ]);
  const [first = '', ...rest] = columnsOf([head, ...rows.map((row) => row.map(oneLine))]);
  terminal.out(paint(terminal, 'bold', first));
  for (const row of rest) terminal.out(cut(row, terminal.columns));
}

function showOne(
  each: ParkedAggregate,
  event: Awaited<ReturnType<typeof eventOf>>,
  withData: boolean,
  terminal: Terminal,
): void {
  const { consumer, aggregate, version } = each;
  const rows: [string, string][] = [
    ['consumer', consumer],
    ['aggregate', aggregate],
    ['parked at', `version ${version}, after ${each.attempts} attempts`],
    ['since', since(each.since)],
    ['waiting', `versions ${each.position + 1} to ${each.waiting}`],
    ['failed with', each.message === '' ? each.code : `${each.code}: ${each.message}`],
    ['function', each.function === '' ? 'unknown: name it with --function' : each.function],
  ];
  if (each.position >= version) rows.push(['redrive', `was interrupted at version ${each.position}; redrive again`]);
  if (event === undefined) rows.push(['event', 'not in the events table, or no event']);
  else {
    rows.push(['event', `${event.type}, schema version ${event.schemaVersion}`]);
    rows.push(['occurred', event.occurredAt], ['recorded', event.recordedAt]);
    if (withData) rows.push(['data', event.data], ['metadata', event.metadata ?? 'none']);
  }
  for (const row of columnsOf(rows.map((row) => row.map(oneLine)))) terminal.out(row);
}

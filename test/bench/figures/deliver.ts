import assert from 'node:assert/strict';
import { type TransactWriteItem, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { createFeedToBus } from '../../../functions/feed-to-bus.ts';
import { dynamoPositionTable } from '../../../src/aws/dynamo-position-table.ts';
import { eventBridgeBus } from '../../../src/aws/eventbridge-bus.ts';
import { leanClient } from '../../../src/aws/lean-client.ts';
import { consumeEvents } from '../../../src/feed/consume/index.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { memoryEvents } from '../../simulation/memory-ports.ts';
import { kinesisEvent } from '../../simulation/records.ts';
import { defineBench } from '../figure.ts';
import { MoneyReceived, MoneySent, storedTransfers } from '../ledger.ts';
import { stubbed, stubClient } from '../stub-transport.ts';

const FEED = 'Bank-Daybook-Feed-Stream-1A2B3C4D';
const POSITIONS = 'Bank-Daybook-Storage-Positions-5E6F';
const AGGREGATES = 100;
const VERSIONS = 10;
const EVENTS = AGGREGATES * VERSIONS;

/** What carries events out of the feed, per event, over the SDK alone sending the same requests: a batch of 100 envelopes of 10. */
export default defineBench({
  name: 'deliver',
  rounds: 12,
  figures: [
    {
      name: 'publish-event',
      what: 'publisher per event ÷ bare SDK PutEvents of the same entries, 10 to a call, CPU',
      formula: { kind: 'ratio', of: 'publish', to: 'putEvents', by: 'cpu' },
    },
    {
      name: 'publish-event-with-positions',
      what: 'the same ÷ these and an UpdateItem for each aggregate’s position',
      formula: { kind: 'ratio', of: 'publish', to: 'putAndUpdate', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
    {
      name: 'consume-event',
      what: 'consumer of the kit per event ÷ bare SDK TransactWriteItems of the same effect and position, CPU',
      formula: { kind: 'ratio', of: 'consume', to: 'transact', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
  ],
  async prepare() {
    const sent: { operation: string; body: unknown }[] = [];
    let checking = true;
    const answers: Readonly<Record<string, Buffer>> = {
      PutEvents: Buffer.from(JSON.stringify({ FailedEntryCount: 0, Entries: Array(10).fill({ EventId: 'e' }) })),
      BatchGetItem: Buffer.from(JSON.stringify({ Responses: {}, UnprocessedKeys: {} })),
    };
    const nothing = Buffer.from('{}');
    const answerTo = (operation: string, body: () => string) => {
      if (checking) sent.push({ operation, body: JSON.parse(body()) });
      return answers[operation] ?? nothing;
    };
    const { table } = memoryEvents();
    const aggregates = Array.from({ length: AGGREGATES }, (_, i) => `ledger-${i}`);
    const event = kinesisEvent(
      aggregates.map((aggregate) =>
        filledEnvelope(FEED, aggregate, 1, VERSIONS, storedTransfers(VERSIONS, aggregate).map(toEnvelopeEvent)),
      ),
    );
    const positionsOf = () =>
      dynamoPositionTable({ client: leanClient(stubClient(answerTo)), tableName: POSITIONS, feed: FEED });
    const publish = createFeedToBus({
      feed: FEED,
      publisher: 'bus',
      positions: positionsOf(),
      table,
      bus: eventBridgeBus({ client: leanClient(new EventBridgeClient(stubbed(answerTo))), bus: 'bus' }),
    });
    const consume = consumeEvents<typeof MoneyReceived | typeof MoneySent, TransactWriteItem>({
      name: 'fees',
      feed: FEED,
      events: [MoneyReceived, MoneySent],
      positions: positionsOf(),
      table,
      effect: ({ aggregateUuid, version }) => [
        { Put: { TableName: 'Fees', Item: { Account: { S: aggregateUuid }, Version: { N: String(version) } } } },
      ],
      report: () => {},
    });
    const running = (handler: (event: unknown) => Promise<unknown>) => ({
      count: EVENTS,
      async run() {
        assert.deepEqual(await handler(event), { batchItemFailures: [] });
      },
    });
    const inputsOf = async (side: { run(): Promise<void> }) => {
      await side.run();
      return sent.splice(0);
    };
    const publishing = running(publish);
    const consuming = running((batch) => consume(batch));
    const ofPublish = await inputsOf(publishing);
    const ofConsume = await inputsOf(consuming);
    checking = false;

    // The requests that ours sent are what the bare clients send.
    const bare = stubClient(answerTo);
    const bareBus = new EventBridgeClient(stubbed(answerTo));
    const of = (all: typeof sent, wanted: string) =>
      all.filter(({ operation }) => operation === wanted).map(({ body }) => body as never);
    const puts = of(ofPublish, 'PutEvents');
    const updates = of(ofPublish, 'UpdateItem');
    const transactions = of(ofConsume, 'TransactWriteItems');
    assert.deepEqual([puts.length, updates.length, transactions.length], [EVENTS / 10, AGGREGATES, EVENTS]);
    const sending = (...works: (readonly (() => Promise<unknown>)[])[]) => ({
      count: EVENTS,
      async run() {
        for (const send of works.flat()) await send();
      },
    });
    const putEvents = puts.map((input) => () => bareBus.send(new PutEventsCommand(input)));
    const update = updates.map((input) => () => bare.send(new UpdateItemCommand(input)));
    const transact = transactions.map((input) => () => bare.send(new TransactWriteItemsCommand(input)));
    return {
      sides: {
        publish: publishing,
        putEvents: sending(putEvents),
        putAndUpdate: sending(putEvents, update),
        consume: consuming,
        transact: sending(transact),
      },
    };
  },
});

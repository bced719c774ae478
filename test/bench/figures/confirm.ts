import assert from 'node:assert/strict';
import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { createFeedToConfirmed } from '../../../functions/feed-to-confirmed.ts';
import { dynamoCursorTable } from '../../../src/aws/dynamo-cursor-table.ts';
import { leanClient } from '../../../src/aws/lean-client.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { memoryEvents } from '../../simulation/memory-ports.ts';
import { kinesisEvent } from '../../simulation/records.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';
import { stubClient } from '../stub-transport.ts';

const FEED = 'Bank-Daybook-Feed-Stream-1A2B3C4D';
const TABLE = 'Bank-Daybook-Storage-Confirmed-5E6F';
const ENVELOPES = 100;
/** An aggregate's first envelope. */
const VERSIONS = 1;

/** Confirm's handler on a whole batch, over the SDK alone sending the same updates one after the other. */
export default defineBench({
  name: 'confirm',
  turns: 5,
  figures: [
    {
      name: 'confirm-envelope',
      what: 'Confirm per envelope, 100 of 100 aggregates in a batch ÷ bare SDK UpdateItem of the same cursor, CPU',
      formula: { kind: 'ratio', of: 'confirm', to: 'bare', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
    {
      name: 'confirm-envelope-lean',
      what: 'the same ÷ UpdateItem by a client as lean as Confirm’s own',
      formula: { kind: 'ratio', of: 'confirm', to: 'lean', by: 'cpu' },
    },
  ],
  async prepare() {
    const sent: string[] = [];
    let checking = true;
    const answer = Buffer.from('{"Attributes":{"Cursor":{"S":"feed|a"},"Confirmed":{"N":"1"}}}');
    const client = () =>
      stubClient((_operation, body) => {
        if (checking) sent.push(body());
        return answer;
      });
    const cursors = dynamoCursorTable({ client: leanClient(client()), tableName: TABLE, feed: FEED });
    const writer = { put: async () => assert.fail('nothing is carried on here') };
    const confirm = createFeedToConfirmed({
      feed: FEED,
      cursors,
      table: memoryEvents().table,
      writer,
      now: Date.now,
    });
    const aggregates = Array.from(
      { length: ENVELOPES },
      (_, i) => `6f1c2b1e-8d54-4c3e-9a57-${String(i).padStart(12, '0')}`,
    );
    const event = kinesisEvent(
      aggregates.map((aggregate) => {
        const events = storedTransfers(VERSIONS, aggregate).map(toEnvelopeEvent);
        return filledEnvelope(FEED, aggregate, 1, VERSIONS, events);
      }),
    );
    const update = (aggregate: string) =>
      new UpdateItemCommand({
        TableName: TABLE,
        Key: { Cursor: { S: `${FEED}|${aggregate}` } },
        UpdateExpression: 'SET Confirmed = :to REMOVE Holed, HoledAt, Attempts',
        ConditionExpression: 'attribute_not_exists(Confirmed) OR (Confirmed >= :least AND Confirmed < :to)',
        ExpressionAttributeValues: { ':to': { N: String(VERSIONS) }, ':least': { N: '0' } },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
    const updating = (bare: DynamoDBClient) => ({
      count: ENVELOPES,
      async run() {
        for (const aggregate of aggregates) await bare.send(update(aggregate));
      },
    });
    const sides = {
      confirm: {
        count: ENVELOPES,
        async run() {
          assert.deepEqual(await confirm(event), { batchItemFailures: [] });
        },
      },
      bare: updating(client()),
      lean: updating(leanClient(client())),
    };
    // The ratio means something only when both send the same.
    await sides.confirm.run();
    const ours = sent.splice(0).sort();
    await sides.bare.run();
    assert.deepEqual(sent.sort().map(parsed), ours.map(parsed));
    checking = false;
    return { sides };
  },
});

const parsed = (body: string) => JSON.parse(body) as unknown;

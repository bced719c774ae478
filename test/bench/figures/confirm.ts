import assert from 'node:assert/strict';
import { type DynamoDBClient, UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { createFeedToConfirmed } from '../../../functions/feed-to-confirmed.ts';
import { dynamoCursorTable } from '../../../src/aws/dynamo-cursor-table.ts';
import { leanClient } from '../../../src/aws/lean-client.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { memoryEvents } from '../../simulation/memory-ports.ts';
import { kinesisEvent } from '../../simulation/records.ts';
import { defineBench } from '../figure.ts';
import { storedTransfer } from '../ledger.ts';
import { stubClient } from '../stub-transport.ts';

const FEED = 'Bank-Daybook-Feed-Stream-1A2B3C4D';
const ENVELOPES = 100;
/** Of the one event in each, which is not its aggregate's first. */
const VERSION = 7;

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
    const sent: UpdateItemCommandInput[] = [];
    let checking = true;
    const answer = Buffer.from(`{"Attributes":{"Cursor":{"S":"${FEED}|a"},"Confirmed":{"N":"${VERSION - 1}"}}}`);
    const client = () =>
      stubClient((operation, body) => {
        assert.equal(operation, 'UpdateItem');
        if (checking) sent.push(JSON.parse(body()));
        return answer;
      });
    const confirm = createFeedToConfirmed({
      feed: FEED,
      cursors: dynamoCursorTable({
        client: leanClient(client()),
        tableName: 'Bank-Daybook-Storage-Confirmed-5E6F',
        feed: FEED,
      }),
      table: memoryEvents().table,
      writer: { put: async () => assert.fail('nothing is carried on here') },
      now: Date.now,
    });
    const event = kinesisEvent(
      Array.from({ length: ENVELOPES }, (_, i) => {
        const aggregate = `6f1c2b1e-8d54-4c3e-9a57-${String(i).padStart(12, '0')}`;
        return filledEnvelope(FEED, aggregate, VERSION, VERSION, [toEnvelopeEvent(storedTransfer(VERSION, aggregate))]);
      }),
    );
    const confirming = {
      count: ENVELOPES,
      async run() {
        assert.deepEqual(await confirm(event), { batchItemFailures: [] });
      },
    };
    // The requests that ours sends are what the bare clients send.
    await confirming.run();
    checking = false;
    assert.equal(sent.length, ENVELOPES);
    const updating = (bare: DynamoDBClient) => ({
      count: ENVELOPES,
      async run() {
        for (const input of sent) await bare.send(new UpdateItemCommand(input));
      },
    });
    return { sides: { confirm: confirming, bare: updating(client()), lean: updating(leanClient(client())) } };
  },
});

import assert from 'node:assert/strict';
import { createFeedToArchive } from '../../../functions/feed-to-archive.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const ENVELOPES = 100;
const EVENTS = 10;

/**
 * Firehose's transform, base64 in and out, over a Lambda that only parses and stringifies each envelope. Each side answers as
 * Firehose expects it, and its answer becomes JSON as Lambda's runtime makes it; the rows that one side answers are a quarter
 * longer than the envelopes that the other does.
 */
export default defineBench({
  name: 'transform',
  turns: 20,
  figures: [
    {
      name: 'transform-cpu',
      what: 'transform ÷ JSON.parse + JSON.stringify of the envelopes, base64 both ways and the answer’s JSON on both sides, CPU per event',
      formula: { kind: 'ratio', of: 'daybook', to: 'parseAndStringify', by: 'cpu' },
      budget: { atMost: 0.7 },
    },
  ],
  async prepare() {
    const records = Array.from({ length: ENVELOPES }, (_, i) => {
      const aggregate = `aggregate-${i}`;
      const events = storedTransfers(EVENTS, aggregate).map(toEnvelopeEvent);
      const data = Buffer.from(JSON.stringify(filledEnvelope('feed', aggregate, 1, EVENTS, events))).toString('base64');
      return { recordId: String(i), approximateArrivalTimestamp: Date.UTC(2026, 0, 1), data };
    });
    const transform = createFeedToArchive({ feed: 'feed' });
    const answer = await transform({ records });
    assert.ok(answer.records.every(({ result }) => result === 'Ok'));
    return {
      sides: {
        daybook: {
          count: ENVELOPES * EVENTS,
          async run() {
            JSON.stringify(await transform({ records }));
          },
        },
        parseAndStringify: {
          count: ENVELOPES * EVENTS,
          run() {
            const answered = records.map(({ recordId, data }) => {
              const text = JSON.stringify(JSON.parse(Buffer.from(data, 'base64').toString('utf8')));
              return { recordId, result: 'Ok', data: Buffer.from(text).toString('base64') };
            });
            JSON.stringify({ records: answered });
          },
        },
      },
    };
  },
});

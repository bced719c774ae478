import assert from 'node:assert/strict';
import { type Cloud, createCloud, ROOT } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { defineBench } from '../figure.ts';
import { storedTransfers } from '../ledger.ts';

const CALLS = 10;
const RECORDS = 500;

/** The embedded Kinesis' own work, without HTTP. */
export default defineBench({
  name: 'embedded-kinesis',
  figures: [
    {
      name: 'embedded-put-records',
      what: 'records per second of CPU, 500 to a PutRecords; beside kinesis-local: npm run conformance:kinesis',
      formula: { kind: 'rate', of: 'daybook', by: 'cpu' },
    },
  ],
  prepare() {
    const Records = Array.from({ length: RECORDS }, (_, i) => {
      const aggregate = `ledger-${i}`;
      const envelope = filledEnvelope('feed', aggregate, 1, 1, storedTransfers(1, aggregate).map(toEnvelopeEvent));
      return { Data: Buffer.from(JSON.stringify(envelope)).toString('base64'), PartitionKey: aggregate };
    });
    let cloud: Cloud;
    return {
      sides: {
        daybook: {
          count: CALLS * RECORDS,
          async before() {
            cloud = createCloud(realKernel({ seed: 1 }));
            createKinesis(cloud);
            await cloud.call(ROOT, 'kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 4 });
          },
          async run() {
            for (let i = 0; i < CALLS; i++) {
              const answer = await cloud.call(ROOT, 'kinesis', 'PutRecords', { StreamName: 'feed', Records });
              assert.equal(answer.FailedRecordCount, 0);
            }
          },
        },
      },
    };
  },
});

import { createCloud, type Json } from '../../../local/cloud.ts';
import { createDynamoDb, type DynamoDbService } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { defineBench } from '../figure.ts';
import { itemOf, storedTransfers } from '../ledger.ts';

const PUTS = 2_000;

/** The embedded DynamoDB's own work for an append, without HTTP. */
export default defineBench({
  name: 'embedded-dynamodb',
  figures: [
    {
      name: 'embedded-puts',
      what: 'conditional PutItem per second of CPU, in a table with a stream; beside DynamoDB Local: npm run conformance:cpu',
      formula: { kind: 'rate', of: 'daybook', by: 'cpu' },
    },
  ],
  prepare() {
    const inputs: readonly Json[] = storedTransfers(PUTS).map((event) => ({
      TableName: 'events',
      Item: itemOf(event),
      ConditionExpression: 'attribute_not_exists(AggregateUuid)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }));
    let db: DynamoDbService;
    return {
      sides: {
        daybook: {
          count: PUTS,
          before() {
            db = createDynamoDb(createCloud(realKernel({ seed: 1 })));
            db.call('CreateTable', EVENTS_TABLE);
          },
          run() {
            for (const input of inputs) db.call('PutItem', input);
          },
        },
      },
    };
  },
});

const EVENTS_TABLE = {
  TableName: 'events',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'AggregateUuid', AttributeType: 'S' },
    { AttributeName: 'Version', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'AggregateUuid', KeyType: 'HASH' },
    { AttributeName: 'Version', KeyType: 'RANGE' },
  ],
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
};

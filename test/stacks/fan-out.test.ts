import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalRuntime, startLocal } from '../../local/index.ts';
import { createEventStore, dynamoEventTable } from '../../src/index.ts';
import { Daybook } from '../../stacks/constructs/index.ts';
import { Account } from '../contract/bank.ts';
import type { Resource } from './bank-template.ts';

vi.stubEnv('CDK_VALIDATION', 'false');

const folder = mkdtempSync(join(tmpdir(), 'daybook-fan-out-'));
let template: Record<string, Resource>;

beforeAll(() => {
  const context = { 'daybook:local': true, 'aws:cdk:enable-path-metadata': true };
  const app = new App({ outdir: folder, analyticsReporting: false, context });
  const stack = new Stack(app, 'Fan');
  new Daybook(stack, 'Daybook', { feed: { fanOut: true, window: Duration.seconds(0) } });
  app.synth();
  template = Template.fromStack(stack).toJSON().Resources;
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ofType = (type: string) => Object.entries(template).filter(([, { Type }]) => Type === type);

describe('enhanced fan-out', () => {
  it('gives each reader a consumer of its own, and its mapping reads that', () => {
    const consumers = ofType('AWS::Kinesis::StreamConsumer');
    const names = consumers.map(([, { Properties }]) => Properties.ConsumerName);
    expect(new Set(names).size).toBe(2);
    const sources = ofType('AWS::Lambda::EventSourceMapping')
      .map(([, { Properties }]) => Properties.EventSourceArn)
      .filter((source) => source['Fn::GetAtt'][1] === 'ConsumerARN')
      .map((source) => source['Fn::GetAtt'][0]);
    expect(sources.sort()).toEqual(consumers.map(([id]) => id).sort());
  });

  it('lets a reader subscribe to its own consumer, and to no other', () => {
    const grants = ofType('AWS::IAM::Policy').flatMap(([, { Properties }]) =>
      Properties.PolicyDocument.Statement.filter(({ Action }: { Action: string | string[] }) =>
        Action.includes('kinesis:SubscribeToShard'),
      ),
    );
    expect(grants).toHaveLength(2);
    for (const { Action, Resource } of grants) {
      expect(Action).toEqual(['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard']);
      expect(Resource['Fn::GetAtt'][1]).toBe('ConsumerARN');
    }
  });

  describe('in the embedded runtime', () => {
    let runtime: LocalRuntime;
    let client: DynamoDBClient;

    beforeAll(async () => {
      runtime = await startLocal({ assembly: folder });
      const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
      client = new DynamoDBClient({ endpoint: runtime.endpoint, region: runtime.account.region, credentials });
    }, 60_000);

    afterAll(async () => {
      client?.destroy();
      await runtime?.stop();
    });

    it('carries an event as far as its readers', async () => {
      const { outputs } = runtime.stacks.Fan!;
      const store = createEventStore({
        table: dynamoEventTable({ client, tableName: outputs.DaybookEventsTableName! }),
      });
      await store.append({ aggregate: Account, aggregateUuid: 'a', expectedVersion: 0 }, [
        { type: 'MoneyDeposited', data: { amount: 1 } },
      ]);
      const feed = outputs.DaybookFeedName!;
      const read = async (table: string, Key: Record<string, { S: string }>) =>
        (await client.send(new GetItemCommand({ TableName: outputs[table]!, Key, ConsistentRead: true }))).Item;
      await vi.waitFor(
        async () => {
          expect((await read('DaybookConfirmedTableName', { Cursor: { S: `${feed}|a` } }))?.Confirmed?.N).toBe('1');
          expect((await read('DaybookPositionsTableName', { Consumer: { S: `bus|${feed}|a` } }))?.Position?.N).toBe(
            '1',
          );
        },
        { timeout: 20_000, interval: 50 },
      );
    });
  });
});

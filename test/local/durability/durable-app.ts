import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, type ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import { Code, Function as LambdaFunction, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';

/** Writes down what it is called with: once per record, or once per asynchronous event. */
const RECORDER = `
const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
const client = new DynamoDBClient({});
exports.handler = async (event) => {
  const ids = (event.Records ?? [event]).map((record) =>
    record.kinesis ? 'kinesis ' + Buffer.from(record.kinesis.data, 'base64')
    : record.dynamodb ? 'stream ' + record.dynamodb.Keys.id.S
    : 'async ' + record.id);
  for (const id of ids) await client.send(new PutItemCommand({ TableName: process.env.SEEN, Item: { id: { S: id } } }));
};`;

/** Two waits around a write, so that most executions are under way when the runtime is killed. */
const definition = (table: string) => ({
  QueryLanguage: 'JSONata',
  StartAt: 'First',
  States: {
    First: { Type: 'Wait', Seconds: 1, Assign: { id: '{% $states.input.id %}' }, Next: 'Both' },
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Write',
          States: {
            Write: {
              Type: 'Task',
              Resource: 'arn:aws:states:::dynamodb:putItem',
              Arguments: { TableName: table, Item: { id: { S: "{% 'execution ' & $id %}" } } },
              Output: '{% $id %}',
              End: true,
            },
          },
        },
        { StartAt: 'Second', States: { Second: { Type: 'Wait', Seconds: 1, Output: 'waited', End: true } } },
      ],
      End: true,
    },
  },
});

/** An app with one of everything that has to outlive the process. */
export function synthesizeDurableApp(outdir: string): void {
  const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': true } });
  const stack = new Stack(app, 'Durable');
  const partitionKey = { name: 'id', type: AttributeType.STRING };
  const things = new Table(stack, 'Things', { partitionKey, stream: StreamViewType.NEW_AND_OLD_IMAGES });
  const others = new Table(stack, 'Others', { partitionKey });
  const seen = new Table(stack, 'Seen', { partitionKey });
  const feed = new Stream(stack, 'Feed', { shardCount: 2 });
  new Queue(stack, 'Orders');
  const heard = new Queue(stack, 'Heard');
  const bus = new EventBus(stack, 'Bus');
  new Rule(stack, 'Rule', { eventBus: bus, eventPattern: { source: ['test'] }, targets: [new SqsQueue(heard)] });
  const recorder = new LambdaFunction(stack, 'Recorder', {
    runtime: Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: Code.fromInline(RECORDER),
    timeout: Duration.seconds(10),
    environment: { SEEN: seen.tableName },
  });
  seen.grant(recorder, 'dynamodb:PutItem');
  const startingPosition = StartingPosition.TRIM_HORIZON;
  recorder.addEventSource(new KinesisEventSource(feed, { startingPosition, batchSize: 10 }));
  recorder.addEventSource(new DynamoEventSource(things as ITable, { startingPosition, batchSize: 10 }));
  const role = new Role(stack, 'MachineRole', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [seen.tableArn, others.tableArn] }));
  new CfnStateMachine(stack, 'Machine', { roleArn: role.roleArn, definition: definition(seen.tableName) });
  const bucket = new Bucket(stack, 'Files', { removalPolicy: RemovalPolicy.DESTROY });
  const writer = new Role(stack, 'DeliveryRole', { assumedBy: new ServicePrincipal('firehose.amazonaws.com') });
  bucket.grantReadWrite(writer);
  new CfnDeliveryStream(stack, 'Delivery', {
    extendedS3DestinationConfiguration: {
      bucketArn: bucket.bucketArn,
      roleArn: writer.roleArn,
      prefix: 'delivered/',
      bufferingHints: { intervalInSeconds: 60, sizeInMBs: 5 },
    },
  });
  app.synth();
}

import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Daybook, FeedSubscriber } from '../../stacks/constructs/index.ts';

vi.stubEnv('CDK_VALIDATION', 'false');

let stack: Stack;
let subscriber: FeedSubscriber;
let template: Template;

beforeAll(() => {
  stack = new Stack(new App({ analyticsReporting: false, context: { 'daybook:local': true } }), 'Search');
  const daybook = new Daybook(stack, 'Daybook');
  const entry = fileURLToPath(new URL('../docs/consumers/letters.ts', import.meta.url));
  subscriber = new FeedSubscriber(stack, 'Index', { daybook, entry });
  template = Template.fromStack(stack);
}, 60_000);

const idOf = (at: { readonly node: { readonly defaultChild?: unknown } }) =>
  stack.getLogicalId(at.node.defaultChild as Parameters<Stack['getLogicalId']>[0]);

describe('a subscriber of the feed', () => {
  it('reads it from its oldest record, retries for ever, and names its first failure', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FunctionName: { Ref: idOf(subscriber.function.function as LambdaFunction) },
      StartingPosition: 'TRIM_HORIZON',
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: -1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  it('may do what the kit calls, and nothing else', () => {
    const [policy] = Object.values(
      template.findResources('AWS::IAM::Policy', { Properties: { Roles: [{ Ref: idOf(subscriber.function.role) }] } }),
    );
    const actions = policy!.Properties.PolicyDocument.Statement.flatMap(
      ({ Action }: { Action: string | string[] }) => Action,
    );
    expect(actions.sort()).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'kinesis:ListShards',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
  });

  it('is told where, and is watched', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          EVENTS_TABLE: Match.anyValue(),
          POSITIONS_TABLE: Match.anyValue(),
          FEED_ID: Match.anyValue(),
          METRIC_NAMESPACE: 'Daybook',
        },
      },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'IteratorAge',
      AlarmDescription: Match.stringLikeRegexp('^Index is more than a minute behind'),
    });
  });
});

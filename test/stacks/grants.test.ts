import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Daybook } from 'daybook/cdk';
import { describe, expect, it } from 'vitest';
import { bank, resourcesOf } from './bank-template.ts';
import { grantsByRole, render } from './grants.ts';

/** What each role may do, all of it. A change here is a change of who can do what: read it twice. */
const EXPECTED: Record<string, string[]> = {
  'Daybook/Feed/Enrich/Role': [
    'Allow dynamodb:BatchGetItem on Daybook/Storage/Confirmed',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Feed/Enrich/Log',
  ],
  'Daybook/Feed/PipeRole': [
    'Allow dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator on Daybook/Storage/Events.StreamArn',
    'Allow dynamodb:ListStreams on *',
    'Allow kinesis:PutRecord kinesis:PutRecords on Daybook/Feed/Stream1',
    'Allow lambda:InvokeFunction on Daybook/Feed/Enrich/Function',
    'Allow sqs:SendMessage on Daybook/Feed/PipeDeadLetters',
  ],
  'Daybook/Feed/Confirm/Role': [
    'Allow dynamodb:GetItem dynamodb:UpdateItem on Daybook/Storage/Confirmed',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards on Daybook/Feed/Stream1',
    'Allow kinesis:PutRecords on Daybook/Feed/Stream1',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Feed/Confirm/Log',
  ],
  'Daybook/Feed/Reconcile/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:UpdateItem on Daybook/Storage/Confirmed',
    'Allow dynamodb:GetItem dynamodb:Query on Daybook/Storage/Events',
    'Allow dynamodb:Query on Daybook/Storage/Positions/index/ParkedAggregates',
    'Allow dynamodb:Scan on Daybook/Storage/Events/index/AggregatesByType',
    'Allow kinesis:PutRecords on Daybook/Feed/Stream1',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Feed/Reconcile/Log',
    'Allow sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage on Daybook/Feed/PipeDeadLetters',
  ],
  'Daybook/Publisher/Publish/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:UpdateItem on Daybook/Storage/Positions',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow events:PutEvents on Daybook/Publisher/Bus',
    'Allow kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards on Daybook/Feed/Stream1',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Publisher/Publish/Log',
  ],
  'Daybook/Archive/Transform/Role': ['Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Archive/Transform/Log'],
  'Daybook/Archive/DeliveryRole': [
    'Allow glue:GetTable glue:GetTableVersion glue:GetTableVersions on arn:<Partition>:glue:<Region>:<AccountId>:catalog',
    'Allow glue:GetTable glue:GetTableVersion glue:GetTableVersions on arn:<Partition>:glue:<Region>:<AccountId>:database/bank_daybook_archive_ed993015',
    'Allow glue:GetTable glue:GetTableVersion glue:GetTableVersions on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/events_raw',
    'Allow kinesis:DescribeStream kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards on Daybook/Feed/Stream1',
    'Allow lambda:GetFunctionConfiguration lambda:InvokeFunction on Daybook/Archive/Transform/Function',
    'Allow logs:PutLogEvents on Daybook/Archive/DeliveryLog',
    'Allow logs:PutLogEvents on Daybook/Archive/RepairsLog',
    'Allow s3:AbortMultipartUpload s3:GetObject s3:PutObject on Daybook/Archive/Bucket/errors/*',
    'Allow s3:AbortMultipartUpload s3:GetObject s3:PutObject on Daybook/Archive/Bucket/events/*',
    'Allow s3:GetBucketLocation s3:ListBucket s3:ListBucketMultipartUploads on Daybook/Archive/Bucket',
  ],
  'Daybook/Compaction/Plan/Role': [
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Compaction/Plan/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/generations/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/compacted/runs/*',
  ],
  'Daybook/Compaction/Bucket/Role': [
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Compaction/Bucket/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/files/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/keys/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/runs/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/events/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/compacted/files/*',
    'Allow s3:PutObject on Daybook/Archive/Bucket/compacted/keys/*',
    'Allow s3:PutObject on Daybook/Archive/Bucket/compacted/runs/*',
    'Allow s3:PutObject on Daybook/Archive/Bucket/conflicts/*',
  ],
  'Daybook/Compaction/Switch/Role': [
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Compaction/Switch/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/runs/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/compacted/generations/*',
  ],
  'Daybook/Compaction/Clean/Role': [
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Compaction/Clean/Log',
    'Allow s3:DeleteObject on Daybook/Archive/Bucket/compacted/*',
    'Allow s3:DeleteObject on Daybook/Archive/Bucket/events/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/generations/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
  ],
  'Daybook/Compaction/Role': [
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:catalog',
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:database/bank_daybook_archive_ed993015',
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/events_compacted',
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/events_current',
    'Allow glue:UpdateTable on arn:<Partition>:glue:<Region>:<AccountId>:catalog',
    'Allow glue:UpdateTable on arn:<Partition>:glue:<Region>:<AccountId>:database/bank_daybook_archive_ed993015',
    'Allow glue:UpdateTable on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/events_current',
    'Allow lambda:InvokeFunction on Daybook/Compaction/Bucket/Function',
    'Allow lambda:InvokeFunction on Daybook/Compaction/Clean/Function',
    'Allow lambda:InvokeFunction on Daybook/Compaction/Plan/Function',
    'Allow lambda:InvokeFunction on Daybook/Compaction/Switch/Function',
    'Allow logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups on *',
    'Allow states:DescribeExecution states:StopExecution on arn:<Partition>:states:<Region>:<AccountId>:execution:Daybook/Compaction/StateMachine.Name/*',
    'Allow states:StartExecution on Daybook/Compaction/StateMachine',
    'Allow xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets on *',
  ],
  'Daybook/Compaction/StateMachine/EventsRole': ['Allow states:StartExecution on Daybook/Compaction/StateMachine'],
  'Daybook/Verification/Check/Role': [
    'Allow athena:GetTableMetadata on arn:<Partition>:athena:<Region>:<AccountId>:datacatalog/AwsDataCatalog',
    'Allow dynamodb:BatchGetItem dynamodb:UpdateItem on Daybook/Storage/Positions',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow dynamodb:Scan on Daybook/Storage/Events/index/AggregatesByType',
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:catalog',
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:database/bank_daybook_archive_ed993015',
    'Allow glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/events_current',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Verification/Check/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/checks/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/events/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/checks/*',
  ],
  'Daybook/Projections/Project/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem on Daybook/Storage/Projections',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards on Daybook/Feed/Stream1',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Projections/Project/Log',
  ],
  'Daybook/Replay/Plan/Role': [
    'Allow dynamodb:DescribeTable on Daybook/Storage/Events',
    'Allow dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/Plan/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/generations/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/queries/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/replays/*',
    'Allow states:DescribeExecution on arn:<Partition>:states:<Region>:<AccountId>:execution:Daybook/Replay/StateMachine.Name:*',
  ],
  'Daybook/Replay/Fold/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/Fold/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/files/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/generations/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/events/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/replays/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/replays/*',
  ],
  'Daybook/Replay/CatchUp/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow dynamodb:Query dynamodb:Scan on Daybook/Storage/Events/index/AggregatesByType',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/CatchUp/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/replays/*',
  ],
  'Daybook/Replay/Verify/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/Verify/Log',
    'Allow s3:PutObject on Daybook/Archive/Bucket/reports/*',
  ],
  'Daybook/Replay/Role': [
    'Allow athena:GetQueryExecution athena:StartQueryExecution athena:StopQueryExecution on arn:<Partition>:athena:<Region>:<AccountId>:workgroup/bank_daybook_archive_ed993015',
    'Allow dynamodb:GetItem dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow events:PutEvents on Daybook/Publisher/Bus',
    'Allow glue:GetDatabase glue:GetPartitions glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:catalog',
    'Allow glue:GetDatabase glue:GetPartitions glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:database/bank_daybook_archive_ed993015',
    'Allow glue:GetDatabase glue:GetPartitions glue:GetTable on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/*',
    'Allow lambda:InvokeFunction on Daybook/Replay/CatchUp/Function',
    'Allow lambda:InvokeFunction on Daybook/Replay/Fold/Function',
    'Allow lambda:InvokeFunction on Daybook/Replay/Plan/Function',
    'Allow lambda:InvokeFunction on Daybook/Replay/Report/Function',
    'Allow lambda:InvokeFunction on Daybook/Replay/Verify/Function',
    'Allow logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups on *',
    'Allow s3:AbortMultipartUpload s3:GetObject s3:PutObject on Daybook/Archive/Bucket/queries/*',
    'Allow s3:GetBucketLocation s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/events/*',
    'Allow states:DescribeExecution states:StopExecution on arn:<Partition>:states:<Region>:<AccountId>:execution:Daybook/Replay/StateMachine.Name/*',
    'Allow states:StartExecution on Daybook/Replay/StateMachine',
    'Allow xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets on *',
  ],
  'FeeService/Function/Role': [
    'Allow dynamodb:BatchGetItem dynamodb:UpdateItem on Daybook/Storage/Positions',
    'Allow dynamodb:GetItem dynamodb:PutItem on Overdrafts',
    'Allow dynamodb:Query on Daybook/Storage/Events',
    'Allow logs:CreateLogStream logs:PutLogEvents on FeeService/Function/Log',
    'Allow sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage on FeeService/Queue',
  ],
  'Daybook/Replay/CleanUp/Role': [
    'Allow dynamodb:BatchWriteItem dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/CleanUp/Log',
    'Allow states:DescribeExecution on arn:<Partition>:states:<Region>:<AccountId>:execution:Daybook/Replay/StateMachine.Name:*',
  ],
  'Daybook/Replay/Ended/Role': [
    'Allow dynamodb:BatchWriteItem dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem on Daybook/Storage/Projections',
    'Allow events:PutEvents on Daybook/Publisher/Bus',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/Ended/Log',
  ],
  'Daybook/Replay/Report/Role': [
    'Allow dynamodb:GetItem on Daybook/Storage/Projections',
    'Allow logs:CreateLogStream logs:PutLogEvents on Daybook/Replay/Report/Log',
    'Allow s3:GetObject on Daybook/Archive/Bucket/reports/*',
    'Allow s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:PutObject on Daybook/Archive/Bucket/report-tables/*',
  ],
  // What `grantQuery` grants.
  Analysts: [
    'Allow athena:BatchGetNamedQuery athena:GetNamedQuery athena:GetQueryExecution athena:GetQueryResults athena:GetWorkGroup athena:ListNamedQueries athena:StartQueryExecution athena:StopQueryExecution on arn:<Partition>:athena:<Region>:<AccountId>:workgroup/bank_daybook_archive_ed993015',
    'Allow cloudformation:DescribeStacks on arn:<Partition>:cloudformation:<Region>:<AccountId>:stack/Bank/*',
    'Allow glue:GetDatabase glue:GetPartitions glue:GetTable glue:GetTables on arn:<Partition>:glue:<Region>:<AccountId>:catalog',
    'Allow glue:GetDatabase glue:GetPartitions glue:GetTable glue:GetTables on arn:<Partition>:glue:<Region>:<AccountId>:database/bank_daybook_archive_ed993015',
    'Allow glue:GetDatabase glue:GetPartitions glue:GetTable glue:GetTables on arn:<Partition>:glue:<Region>:<AccountId>:table/bank_daybook_archive_ed993015/*',
    'Allow glue:GetDatabase on arn:<Partition>:glue:<Region>:<AccountId>:database/default',
    'Allow s3:AbortMultipartUpload s3:GetObject s3:ListMultipartUploadParts s3:PutObject on Daybook/Archive/Bucket/queries/*',
    'Allow s3:GetBucketLocation s3:ListBucket on Daybook/Archive/Bucket',
    'Allow s3:GetObject on Daybook/Archive/Bucket/checks/runs/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/files/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/generations/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/compacted/keys/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/events/*',
    'Allow s3:GetObject on Daybook/Archive/Bucket/report-tables/*',
  ],
  'Daybook/Replay/StateMachine/EventsRole': ['Allow states:StartExecution on Daybook/Replay/StateMachine'],
};

describe('grants', () => {
  const actual = grantsByRole();

  it('belong to the roles that are known here', () => {
    expect(Object.keys(actual).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('%s', (role, grants) => {
    expect(actual[role]).toEqual(grants);
  });

  it('name every action in full, and every resource where AWS has one', () => {
    const lines = Object.values(actual).flat();
    for (const line of lines) {
      const [actions, resource] = line.replace('Allow ', '').split(' on ') as [string, string];
      expect(actions).not.toContain('*');
      if (resource === '*') expect(WITHOUT_RESOURCE).toContain(actions);
    }
  });

  it('let analysts read where a table’s files lie, and nowhere else', () => {
    const locations = resourcesOf('AWS::Glue::Table').flatMap(
      ([, { Properties }]) => Properties.TableInput.StorageDescriptor.Location ?? [],
    );
    const places = locations.map((location) => render(location).replace('s3://', ''));
    expect(places.length).toBeGreaterThan(3);
    // The files of generations are listed in files below the table's location.
    const lists = actual.Analysts!.filter((line) => line.startsWith('Allow s3:GetObject on '));
    const listed = ['files', 'keys'].map((folder) => `Daybook/Archive/Bucket/compacted/${folder}/`);
    expect(lists).toEqual(
      [...new Set([...places, ...listed])].map((place) => `Allow s3:GetObject on ${place}*`).sort(),
    );
  });

  it('are refused where there is nothing to add a policy to', () => {
    const daybook = bank().stack.node.findChild('Daybook') as Daybook;
    expect(() => daybook.grantQuery(new ServicePrincipal('states.amazonaws.com'))).toThrow(
      /athena:StartQueryExecution/,
    );
  });

  it('deny changing and deleting events, to everyone', () => {
    const policies = resourcesOf('AWS::DynamoDB::Table').flatMap(([, table]) => table.Properties.ResourcePolicy ?? []);
    expect(policies).toHaveLength(1);
    expect(policies[0].PolicyDocument.Statement).toEqual([
      {
        Sid: 'EventsAreImmutable',
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: [
          'dynamodb:BatchWriteItem',
          'dynamodb:DeleteItem',
          'dynamodb:PartiQLDelete',
          'dynamodb:PartiQLInsert',
          'dynamodb:PartiQLUpdate',
          'dynamodb:UpdateItem',
        ],
        Resource: '*',
      },
    ]);
  });
});

/** Actions for which AWS knows no resource. */
const WITHOUT_RESOURCE = [
  'dynamodb:ListStreams',
  'logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups',
  'xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets',
];

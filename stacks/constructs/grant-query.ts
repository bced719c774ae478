import { Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { FILES_PREFIX, GENERATIONS_PREFIX, KEYS_PREFIX } from '../../src/archive/generation.ts';
import { acknowledge, acknowledgePrefix } from './acknowledge.ts';
import type { Archive } from './archive.ts';
import { glueTableArns } from './glue-arns.ts';

/** Where the tables' files lie: arrivals, generations with their files and keys, the runs of the check, reports. */
const TABLE_PREFIXES = ['events/', FILES_PREFIX, KEYS_PREFIX, GENERATIONS_PREFIX, 'checks/runs/', 'report-tables/'];

/** Where the workgroup writes its results. */
const RESULTS_PREFIX = 'queries/';

/**
 * What asking takes: the workgroup, the catalog's entries, the tables' files and the results. No key: the bucket and the
 * results are encrypted with S3's own (SSE-S3). Without an action of Glue that changes, and without s3:PutObject outside of
 * the results, neither INSERT nor CREATE TABLE AS nor DROP gets through.
 */
export function grantQuery(archive: Archive, grantee: IGrantable): void {
  const { bucket, databaseName, workGroup } = archive;
  const stack = Stack.of(archive);
  const allow = (actions: string[], resourceArns: string[]) =>
    Grant.addToPrincipal({ grantee, actions, resourceArns }).assertSuccess();

  // "Example policy for running queries in a specified workgroup", less what makes and deletes saved queries:
  // https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html
  allow(
    [
      'athena:BatchGetNamedQuery',
      'athena:GetNamedQuery',
      'athena:GetQueryExecution',
      'athena:GetQueryResults',
      'athena:GetWorkGroup',
      'athena:ListNamedQueries',
      'athena:StartQueryExecution',
      'athena:StopQueryExecution',
    ],
    [stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: workGroup.name })],
  );
  // "You need permissions to call this action on the resource (table or database) and all ancestors of the resource"; SHOW TABLES is
  // GetTables: https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
  const tables = glueTableArns(archive, databaseName, ['*']);
  allow(['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable', 'glue:GetTables'], tables);
  // The same page: whoever is limited to one database may see the `default` one as well. That is its entry, not its tables.
  allow(['glue:GetDatabase'], [stack.formatArn({ service: 'glue', resource: 'database', resourceName: 'default' })]);
  allow(['s3:GetBucketLocation', 's3:ListBucket'], [bucket.bucketArn]);
  allow(
    ['s3:GetObject'],
    TABLE_PREFIXES.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
  );
  // "The IAM principal with permission to call GetQueryResults also must have permissions to the Amazon S3 GetObject action for the
  // query results location": https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html; what writes them, in
  // parts: https://docs.aws.amazon.com/athena/latest/ug/udf-iam-access.html
  allow(
    ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:PutObject'],
    [bucket.arnForObjects(`${RESULTS_PREFIX}*`)],
  );
  // `daybook sql --stack` learns the names of the database and the workgroup from the stack's outputs.
  const outputs = { service: 'cloudformation', resource: 'stack', resourceName: `${stack.stackName}/*` };
  allow(['cloudformation:DescribeStacks'], [stack.formatArn(outputs)]);

  for (const scope of new Set([grantee, grantee.grantPrincipal])) {
    if (!Construct.isConstruct(scope)) continue;
    for (const prefix of [...TABLE_PREFIXES, RESULTS_PREFIX]) acknowledgePrefix(scope, bucket, prefix.slice(0, -1));
    const place = '<AWS::Region>:<AWS::AccountId>';
    const all = `IAM5[Resource::arn:<AWS::Partition>:glue:${place}:table/${databaseName}/*]`;
    acknowledge(scope, all, 'The tables and views of the archive: a query may name any of them');
    const outputsOf = `IAM5[Resource::arn:<AWS::Partition>:cloudformation:${place}:stack/${stack.stackName}/*]`;
    acknowledge(scope, outputsOf, 'This stack, whose ARN ends in an id that nobody knows before it is made');
  }
}

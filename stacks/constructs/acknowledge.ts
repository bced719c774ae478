import { type CfnElement, Stack, Validations } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';

import type { IConstruct } from 'constructs';

/** Says of a finding of cdk-nag's AwsSolutions rules, below this construct, why it is as it should be. */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions-${rule}`, reason });
}

/** A role may use the objects below one prefix of a bucket: as narrow as IAM can say it. */
export function acknowledgePrefix(scope: IConstruct, bucket: Bucket, prefix: string): void {
  const logicalId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  acknowledge(scope, `IAM5[Resource::<${logicalId}.Arn>/${prefix}/*]`, `The objects below ${prefix}/ and no others`);
}

import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** A queue for what could not be delivered: encrypted, TLS only, kept for SQS's longest time (14 days). */
export function deadLetters(scope: Construct, id: string): Queue {
  const queue = new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    visibilityTimeout: Duration.minutes(30), // six times the reconciler's timeout, as Lambda's guide asks
    removalPolicy: RemovalPolicy.RETAIN,
  });
  acknowledge(queue, 'SQS3', 'It is itself a queue of dead letters');
  return queue;
}

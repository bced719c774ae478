import { assumptions } from './assumptions/suite.ts';
import { athena } from './athena/suite.ts';
import { dynamodb } from './dynamodb/suite.ts';
import { events } from './events/suite.ts';
import { firehose } from './firehose/suite.ts';
import { glue } from './glue/suite.ts';
import { kinesis } from './kinesis/suite.ts';
import { lambda } from './lambda/suite.ts';
import { pipes } from './pipes/suite.ts';
import { s3 } from './s3/suite.ts';
import { sqs } from './sqs/suite.ts';
import { states } from './states/suite.ts';
import type { Suite } from './suite.ts';

export const SUITES: readonly Suite[] = [
  dynamodb,
  states,
  events,
  sqs,
  kinesis,
  s3,
  lambda,
  firehose,
  glue,
  athena,
  pipes,
  assumptions,
];

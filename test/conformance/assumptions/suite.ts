import type { Suite } from '../suite.ts';
import { athena } from './athena.ts';
import { dynamodb } from './dynamodb.ts';
import { events } from './events.ts';
import { lambda } from './lambda.ts';
import { pipes } from './pipes.ts';
import { s3 } from './s3.ts';
import { states } from './states.ts';

/** What docs/assumptions.md assumes, and no other suite asks. */
export const assumptions: Suite = {
  service: 'assumptions',
  costs: {
    makes: 'a function, up to three queues, sometimes a Kinesis stream of one shard for an hour',
    dollars: 0.02,
  },
  cases: [...dynamodb, ...states, ...events, ...lambda, ...pipes, ...s3, ...athena],
  waits: true,
};

import { readFileSync } from 'node:fs';

export type Payload = 'pipe-table-stream' | 'pipe-dead-letter' | 'kinesis' | 'firehose' | 'eventbridge' | 'sqs';

/** An event as the AWS source sends it, from test/functions/payloads. */
export function payload(name: Payload): unknown {
  return JSON.parse(readFileSync(new URL(`./payloads/${name}.json`, import.meta.url), 'utf8'));
}

/** The feed and the aggregates of the payloads. */
export const FEED = 'bank-Feed-Stream1-9XkQ2';
export const ALICE = '6f1c2b1e-8d54-4c3e-9a57-1f0b3f9d2a11';
export const BOB = '0b7d3c9a-2f41-4a6e-8c15-7d9e1b2c3d44';

import * as crypto from 'node:crypto';

/** The first hex digit of md5(aggregateUuid): one of sixteen, and any SQL can compute it. */
export function bucketOf(aggregateUuid: string): string {
  return md5(aggregateUuid).charAt(0);
}

/** In one call where Node has it (20.12): less than half the time, and no object to collect. */
const md5: (text: string) => string =
  crypto.hash === undefined
    ? (text) => crypto.createHash('md5').update(text).digest('hex')
    : (text) => crypto.hash('md5', text);

import { createHash } from 'node:crypto';

/** The first hex digit of md5(aggregateUuid): one of sixteen, and any SQL can compute it. */
export function bucketOf(aggregateUuid: string): string {
  return createHash('md5').update(aggregateUuid).digest('hex').charAt(0);
}

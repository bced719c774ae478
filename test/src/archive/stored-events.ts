import type { StoredEvent } from '../../../src/event/stored-event.ts';

const START = Date.UTC(2026, 0, 1);

/** `count` deposits of `aggregateUuid`, the n-th of n cents, an hour apart. */
export function deposits(aggregateUuid: string, count: number): StoredEvent[] {
  return Array.from({ length: count }, (_, i) => {
    const at = new Date(START + i * 3_600_000).toISOString();
    return {
      aggregateUuid,
      aggregateType: 'Account',
      version: i + 1,
      type: 'MoneyDeposited',
      schemaVersion: 1,
      commitId: `commit-${i + 1}`,
      commitFirst: i + 1,
      commitLast: i + 1,
      recordedAt: at,
      occurredAt: at,
      data: `{"amount":${i + 1}}`,
    };
  });
}

import type { StoredEvent } from '../../src/event/stored-event.ts';

const START = Date.UTC(2026, 0, 1);

/** The n-th event of a history that is spread evenly over aggregates. */
export function benchEvent(n: number, aggregates: number): StoredEvent {
  const version = Math.floor(n / aggregates) + 1;
  const at = new Date(START + n).toISOString();
  return {
    aggregateUuid: `account-${n % aggregates}`,
    aggregateType: 'Account',
    version,
    type: 'MoneyDeposited',
    schemaVersion: 1,
    commitId: `commit-${n}`,
    commitFirst: version,
    commitLast: version,
    recordedAt: at,
    occurredAt: at,
    data: `{"amount":${n}}`,
  };
}

/** The same in DuckDB's SQL: `n` from a range. */
export const benchRows = (aggregates: number): string => `
  'account-' || (n % ${aggregates}) AS aggregate_uuid, 'Account' AS aggregate_type, n // ${aggregates} + 1 AS version, 'MoneyDeposited' AS type,
  1::INT AS schema_version, 'commit-' || n AS commit_id, n // ${aggregates} + 1 AS commit_first, n // ${aggregates} + 1 AS commit_last,
  make_timestamp_ms(${START} + n)::TIMESTAMP_MS AS recorded_at, make_timestamp_ms(${START} + n)::TIMESTAMP_MS AS occurred_at,
  '{"amount":' || n || '}' AS data, NULL::VARCHAR AS metadata`;

import type { SavedQuery } from 'daybook';

/** Questions that only a bank has. */
export const savedQueries: readonly SavedQuery[] = [
  {
    name: 'monthly-statement',
    question: "What is an account's monthly statement, by the time at which things happened?",
    parameters: {
      account: { type: 'varchar', description: 'The account' },
      from: { type: 'date', description: 'The first day of the first month' },
      to: { type: 'date', description: 'Any day of the last month' },
    },
    // The balance before the first month is in its opening: all events are added up, and then the months are chosen.
    sql: `WITH movements AS (
  SELECT date_trunc('month', occurred_at) AS month_begin, type, CAST(json_extract_scalar(data, '$.amount') AS bigint) AS amount
  FROM events
  WHERE bucket = substr(lower(to_hex(md5(to_utf8(:account)))), 1, 1) AND aggregate_uuid = :account
    AND type IN ('MoneyDeposited', 'MoneyWithdrawn')
), months AS (
  SELECT month_begin, sum(CASE type WHEN 'MoneyDeposited' THEN amount ELSE 0 END) AS deposits,
    sum(CASE type WHEN 'MoneyWithdrawn' THEN amount ELSE 0 END) AS withdrawals
  FROM movements
  GROUP BY month_begin
), balances AS (
  SELECT month_begin, deposits, withdrawals, sum(deposits - withdrawals) OVER (ORDER BY month_begin) AS closing
  FROM months
)
SELECT date(month_begin) AS month_begin, closing - deposits + withdrawals AS opening, deposits, withdrawals, closing
FROM balances
WHERE month_begin >= :from AND month_begin <= :to
ORDER BY month_begin`,
  },
  {
    name: 'overdrafts-as-of',
    question: 'Which accounts were overdrawn as of a time, as it happened or as the bank knew it then?',
    parameters: {
      as_of: { type: 'timestamp', description: 'The time, included' },
      clock: {
        type: 'varchar',
        description: 'occurred: as it happened; recorded: as the bank knew it then',
        oneOf: ['occurred', 'recorded'],
      },
    },
    sql: `WITH movements AS (
  SELECT aggregate_uuid AS account, version, type, CAST(json_extract_scalar(data, '$.amount') AS bigint) AS amount
  FROM events
  WHERE type IN ('MoneyDeposited', 'MoneyWithdrawn')
    AND CASE WHEN :clock = 'recorded' THEN recorded_at WHEN :clock = 'occurred' THEN occurred_at END <= :as_of
)
SELECT account, sum(CASE type WHEN 'MoneyDeposited' THEN amount ELSE -amount END) AS balance, max(version) AS version
FROM movements
GROUP BY account
HAVING sum(CASE type WHEN 'MoneyDeposited' THEN amount ELSE -amount END) < 0
ORDER BY balance, account`,
  },
];

import { App, Stack } from 'aws-cdk-lib';
import type { SavedQuery } from 'daybook';
import { Daybook } from 'daybook/cdk';

const renamed: SavedQuery = {
  name: 'who-was-renamed',
  question: 'Which holders were renamed since a day?',
  parameters: { since: { type: 'date', description: 'The first day, UTC' } },
  sql: `SELECT aggregate_uuid, occurred_at, json_extract_scalar(data, '$.holder') AS holder
FROM events
WHERE type = 'HolderRenamed' AND occurred_at >= :since
ORDER BY occurred_at`,
};

export const stack = new Stack(new App(), 'Bank');
new Daybook(stack, 'Daybook', { archive: { savedQueries: [renamed] } });

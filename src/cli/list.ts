import { parseArgs } from 'node:util';
import { orUsage } from './command.ts';
import { numberOf } from './flags.ts';
import { openStore } from './open-store.ts';
import { TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import type { Terminal } from './terminal.ts';

export const help = `daybook list [--type NAME] [--limit N] [--json]

The ids of aggregates, in no promised order. It reads an index that is a moment behind the table.

  --type NAME           only aggregates of this type
  --limit N             so many at the most
  --json                one {"aggregateUuid": …} a line
${TARGET_HELP}

  npx daybook list --type Account --limit 20`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  type: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('list', () => parseArgs({ args: [...args], options: OPTIONS }));
  const limit = numberOf('limit', values.limit, 1, 'list');
  const { store, close } = await openStore(values, 'list');
  try {
    const options = { ...(values.type !== undefined && { type: values.type }), ...(limit !== undefined && { limit }) };
    let count = 0;
    for await (const aggregateUuid of store.list(options)) {
      count++;
      terminal.out(values.json ? JSON.stringify({ aggregateUuid }) : aggregateUuid);
    }
    if (count === 0 && !values.json) terminal.err('no aggregates');
  } finally {
    close();
  }
}

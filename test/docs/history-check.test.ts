import { createReadStream, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { File } from '../../examples/git-history/file.ts';
import { importEvents } from '../../src/import/import-events.ts';
import { readLines } from '../../src/import/read-lines.ts';
import { createEventStore } from '../../src/store/event-store.ts';
import { HISTORY, hasHistory } from '../examples/git-history/answers.ts';
import { hostTable } from '../src/cli/hosted-table.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guide = readFileSync(`${root}docs/history-check.md`, 'utf8');
const blockOf = (command: string) => guide.split(`$ ${command}\n`)[1]?.split('```')[0]?.trimEnd().split('\n');

/** What differs from run to run. */
const settled = (line: string) =>
  line.replace(/events-[0-9a-f-]{36}/, 'History-Events').replace(/[\d.]+ s, [\d,]+\/s$/, '… s');

it('shows code of files that are here', () => {
  const blocks = [...guide.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];
  expect(blocks.map(([, file]) => file)).toEqual(['test/docs/history-check/app.ts']);
  for (const [, file, code] of blocks) expect(code).toBe(readFileSync(root + file, 'utf8'));
});

describe.skipIf(!hasHistory)('the guide to the history check', () => {
  let hosted: Awaited<ReturnType<typeof hostTable>>;

  beforeAll(async () => {
    hosted = await hostTable({ columns: 150 });
    const { table, snapshots } = hosted;
    await importEvents({ table, lines: readLines(createReadStream(HISTORY)), onError: 'stop', defaultType: 'File' });
    // The code that is deployed is at fold version 1, and keeps snapshots of what it loads.
    const store = createEventStore({ table, snapshots });
    const longest: string[] = [];
    for await (const id of store.list({ type: 'File' })) {
      for await (const { version } of store.read(id, { reverse: true, limit: 1 })) if (version > 400) longest.push(id);
    }
    for (const id of longest) await store.load({ ...File, foldVersion: 1 }, id);
    vi.stubEnv('DAYBOOK_SNAPSHOTS_TABLE', hosted.snapshotsTable);
  }, 240_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    await hosted?.close();
  });

  it.each([
    ['npx daybook check --app examples/git-history/app.ts', 0],
    ['npx daybook check --app test/docs/history-check/app.ts', 1],
    ['npx daybook check --app test/docs/history-check/app.ts --sample 0.1 --seed 7', 1],
  ])('shows what %s says', { timeout: 120_000 }, async (command, code) => {
    const { out, err, code: actual } = await hosted.daybook(...command.split(' ').slice(2));
    expect(actual).toBe(code);
    const progress = /^(\d+ % )?[\d,]+ events of/;
    expect(
      [
        ...err.filter((line) => !progress.test(line) && !line.startsWith('cli.')),
        ...out,
        ...err.filter((line) => line.startsWith('cli.')),
      ].map(settled),
    ).toEqual(blockOf(command));
  });
});

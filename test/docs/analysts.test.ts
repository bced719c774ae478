import { readFileSync } from 'node:fs';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readNamedText } from '../../src/archive/saved-queries.ts';
import { hostArchive } from '../src/cli/hosted-archive.ts';
import { root, shownCommands } from './analysts-page.ts';

const guide = readFileSync(`${root}docs/analysts.md`, 'utf8');
const shown = shownCommands();

/** What differs from run to run, and with how the archive's files are laid out. */
const settled = (line: string) =>
  line
    .replace(/[\d.]+ (bytes|kB|MB) scanned/, '… scanned')
    .replace(/[\d.]+ s$/, '… s')
    .replace(/query [0-9a-f-]{36}/, 'query …');

describe('the guide for analysts', () => {
  let host: Awaited<ReturnType<typeof hostArchive>>;
  beforeAll(async () => {
    host = await hostArchive({ columns: 120 });
    // What the check says of that bank: one event, the version that `holes` names, stayed away. It counts as of today's.
    const check = {
      checked_at: '2026-03-05T13:00:04.117Z',
      complete_up_to: '2026-01-07T20:11:20.112Z',
      newest_arrival: '2026-03-05T12:49:30.425Z',
      round_complete: true,
      missing: 1,
    };
    await host.putCheck(check, new Date().toISOString().slice(0, 10));
  }, 240_000);
  afterAll(() => host?.close());

  it('shows at least twelve commands for its ten questions', () => {
    expect([...guide.matchAll(/^### \d+\. /gm)]).toHaveLength(10);
    expect([...guide.matchAll(/^\$ npx daybook sql /gm)]).toHaveLength(shown.length);
    expect(shown.length).toBeGreaterThanOrEqual(12);
  });

  it.each(shown.map((each) => [each.args.join(' ').replaceAll(/\s+/g, ' '), each] as const))(
    'shows what %s says',
    { timeout: 60_000 },
    async (_name, { args, lines }) => {
      const { out, err } = await host.daybook(...args);
      const said = [...out, ...err.flatMap((text) => text.split('\n'))].map((line) => line.trimEnd());
      expect(said.map(settled)).toEqual(lines.map(settled));
    },
  );

  it('shows code of a file that is here', () => {
    const blocks = [...guide.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];
    expect(blocks.map(([, file]) => file)).toEqual(['test/docs/analysts/stack.ts']);
    for (const [, file, code] of blocks) expect(code).toBe(readFileSync(root + file, 'utf8'));
  });

  it('is right that the stack makes a saved query of it', { timeout: 240_000 }, async () => {
    vi.stubEnv('CDK_CONTEXT_JSON', '{"daybook:local":true}');
    const { stack } = await import('./analysts/stack.ts');
    const queries = Object.values(Template.fromStack(stack).findResources('AWS::Athena::NamedQuery'));
    const mine = queries.find(({ Properties }) => Properties.Name === 'who-was-renamed')!.Properties;
    expect(readNamedText(mine.Name, mine.Description, mine.QueryString)).toMatchObject({
      question: 'Which holders were renamed since a day?',
      parameters: { since: { type: 'date' } },
      positions: ['since'],
    });
  });
});

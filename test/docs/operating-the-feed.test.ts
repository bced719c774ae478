import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it, vi } from 'vitest';
import { help } from '../../src/cli/feed.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guide = readFileSync(`${root}docs/operating-the-feed.md`, 'utf8');

describe('the guide to the feed', () => {
  it('shows code of a file that is here and makes feeds that wait', async () => {
    const blocks = [...guide.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];
    expect(blocks).toHaveLength(1);
    for (const [, file, code] of blocks) expect(code).toBe(readFileSync(root + file, 'utf8'));
    vi.stubEnv('CDK_CONTEXT_JSON', '{"daybook:local":true}');
    const { adopted, recreated } = await import('./adopted-feed.ts');
    expect(JSON.stringify(Template.fromStack(adopted).toJSON())).toContain('"FEED_FROM":"now"');
    const second = JSON.stringify(Template.fromStack(recreated).toJSON());
    expect(second).toContain('"FEED_FROM":"Bank-DaybookFeedStream1-9XkQ2"');
    expect(second).toContain('Stream2');
  });

  it('types commands that are there', () => {
    const commands = [...guide.matchAll(/npx daybook feed (\w+)(.*)/g)];
    expect(commands).toHaveLength(3);
    for (const [, name, flags = ''] of commands) {
      expect(help).toContain(`daybook feed ${name}`);
      for (const [flag] of flags.matchAll(/--[\w-]+/g)) expect(help).toContain(flag);
    }
  });

  it('names metrics that somebody writes', () => {
    const table = guide.split('\n').filter((line) => line.startsWith('| `'));
    const metrics = table.flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
    const written = [
      'confirm',
      'enrich',
      'reconcile',
      'adopt',
      'feed-batch',
      'other-history',
      'publish',
      'consume/advance',
    ].map((file) => readFileSync(`${root}src/feed/${file}.ts`, 'utf8'));
    const others = ['feed/consume/consume-events', 'projection/project'];
    const source = [...written, ...others.map((file) => readFileSync(`${root}src/${file}.ts`, 'utf8'))].join();
    expect(metrics.length).toBeGreaterThan(12);
    for (const metric of metrics.filter((name) => name !== 'Consumer')) expect(source, metric).toContain(`'${metric}'`);
  });
});

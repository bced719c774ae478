import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbedded } from '../embedded.ts';
import type { Target } from '../suite.ts';
import { CHECKS, planOf, runSmoke } from './run-smoke.ts';

let target: Target & { stop(): Promise<void> };

beforeAll(async () => {
  target = await startEmbedded();
});

afterAll(() => target.stop());

const ROWS = readFileSync('docs/assumptions.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.slice(2));

describe('the smoke test', () => {
  it('checks rows of the list, and the list names those that it checks', () => {
    for (const { row } of CHECKS) {
      const found = ROWS.filter((line) => line.startsWith(row));
      expect(found, row).toHaveLength(1);
      expect(found[0], row).toMatch(/smoke/);
    }
    expect(ROWS.filter((line) => /\| [^|]*smoke[^|]*\|$/.test(line))).toHaveLength(CHECKS.length);
  });

  it('finds every row as it is written, and leaves nothing behind', async () => {
    const options = { config: target.config, id: 'test', role: 'arn:aws:iam::000000000000:role/smoke' };
    const { outcomes, left } = await runSmoke(options, CHECKS, () => {});
    expect(outcomes.filter(({ kind }) => kind !== 'holds')).toEqual([]);
    expect(left).toEqual([]);
    expect((await new S3Client(target.config).send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
  });

  it('leaves out what needs a role, and goes on after a row that differs', async () => {
    const differs = { ...CHECKS[0]!, run: () => Promise.reject(new Error('saw 1, assumed 2')) };
    const needs = CHECKS.filter(({ needsRole }) => needsRole === true);
    const said: string[] = [];
    const { outcomes } = await runSmoke(
      { config: target.config, id: 'test-2', role: undefined },
      [differs, ...needs, CHECKS[1]!],
      (line) => said.push(line),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['differs', ...needs.map(() => 'left out'), 'holds']);
    expect(said.at(-1)).toBe('removed the table daybook-smoke-test-2');
  });

  it('takes away what a check has made when it then fails', async () => {
    const removed: string[] = [];
    const check = {
      ...CHECKS[0]!,
      run: async (smoke: Parameters<(typeof CHECKS)[0]['run']>[0]) => {
        smoke.made('one', async () => removed.push('one'));
        smoke.made('two', () => Promise.reject(new Error('gone')));
        throw new Error('x');
      },
    };
    const { left } = await runSmoke({ config: target.config, id: 'x', role: undefined }, [check], () => {});
    expect(removed).toEqual(['one']);
    expect(left).toEqual(['two']);
  });

  const script = (...args: string[]) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      const env = { ...process.env, AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing', NODE_OPTIONS: '' };
      execFile(
        'npm',
        ['run', '--silent', 'smoke:aws', '--', ...args],
        { env, timeout: 50_000 },
        (error, stdout, stderr) => resolve({ status: Number(error?.code ?? 0), stdout, stderr }),
      );
    });

  it('plans without a call, and does nothing without being told which account it may be', async () => {
    const plan = await script('--plan');
    expect(plan.status).toBe(0);
    expect(plan.stdout.trimEnd()).toBe(planOf(CHECKS).join('\n'));
    for (const args of [[], ['--yes'], ['--account', '000000000000']]) {
      const refused = await script(...args);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('Nothing was done.');
    }
    const { endpoint } = target.config;
    const other = await script('--endpoint', endpoint, '--account', '111111111111', '--yes');
    expect(other.status).toBe(2);
    expect(other.stderr).toContain('The credentials are those of the account 000000000000');
  });
});

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DevFile, readDevFile, removeDevFile, writeDevFile } from '../../../src/cli/dev-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'daybook-dev-file-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const running: DevFile = { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', pid: process.pid, stacks: {} };

it('is found while its process runs, and goes with it', () => {
  expect(readDevFile(directory)).toBeUndefined();
  writeDevFile(running, directory);
  expect(readDevFile(directory)).toEqual(running);
  removeDevFile(directory);
  expect(existsSync(join(directory, '.daybook/dev.json'))).toBe(false);
  removeDevFile(directory);
});

it('of a process that was killed counts for nothing', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeDevFile({ ...running, pid }, directory);
  expect(readDevFile(directory)).toBeUndefined();
});

it('of another process is left alone', () => {
  const other = { ...running, pid: process.ppid };
  writeDevFile(other, directory);
  removeDevFile(directory);
  expect(readDevFile(directory)).toEqual(other);
});

import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JournalFileOptions, journalFile } from '../../../local/host/journal-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-journal-'));
  path = join(folder, 'journal.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

type Put = readonly [key: string, value: number | undefined];

/** Two parts that keep a map each. */
function opened(file = path, options: JournalFileOptions = {}) {
  const journal = journalFile(file, options);
  const maps = { left: new Map<string, number>(), right: new Map<string, number>() };
  const apply = (map: Map<string, number>, [key, value]: Put) =>
    void (value == null ? map.delete(key) : map.set(key, value));
  const part = (name: 'left' | 'right') => {
    const write = journal.join<Put>(name, {
      restore: (put) => apply(maps[name], put),
      snapshot: () => maps[name],
    });
    return (...put: Put) => {
      apply(maps[name], put);
      write(put);
    };
  };
  const put = { left: part('left'), right: part('right') };
  journal.open();
  return { journal, maps, put };
}

/** Until what this turn wrote is in the file. */
const turn = () => Promise.resolve();

describe('a journal in a file', () => {
  it('gives back what every part wrote', async () => {
    const first = opened();
    first.put.left('a', 1);
    first.put.right('b', 2);
    await turn();
    first.put.left('a', undefined);
    first.put.left('c', 3);
    first.journal.close();
    const { maps } = opened();
    expect([...maps.left]).toEqual([['c', 3]]);
    expect([...maps.right]).toEqual([['b', 2]]);
  });

  it('has what was written before the caller of an operation goes on', async () => {
    const { put } = opened();
    const operation = async () => put.left('a', 1);
    const size = statSync(path).size;
    await operation();
    expect(statSync(path).size).toBeGreaterThan(size);
  });

  it('torn at any byte has each turn whole or not at all', async () => {
    const { put, journal } = opened();
    for (let i = 1; i <= 6; i++) {
      put.left('balance', -i);
      put.right('balance', i);
      put.right(`text ${'ü'.repeat(i)}`, i);
      await turn();
    }
    journal.close();
    const whole = readFileSync(path);
    const torn = join(folder, 'torn.jsonl');
    const header = whole.indexOf('\n[]\n') + 4;
    expect(header).toBeGreaterThan(4);
    for (let size = header; size <= whole.length; size++) {
      copyFileSync(path, torn);
      truncateSync(torn, size);
      const { maps, put: more, journal: again } = opened(torn);
      const turns = whole.subarray(header, size).toString('latin1').split('\n').length - 1;
      expect([maps.left.get('balance') ?? 0, maps.right.get('balance') ?? 0]).toEqual([
        turns === 0 ? 0 : -turns,
        turns,
      ]);
      expect(maps.right.size).toBe(turns === 0 ? 0 : turns + 1);
      // What comes after a torn end is not spoiled by it.
      more.left('after', 1);
      again.close();
      expect(opened(torn).maps.left.get('after')).toBe(1);
    }
  });

  it('torn in its first line is empty', () => {
    for (let size = 0; size < 10; size++) {
      writeFileSync(path, '{"journal":"daybook"'.slice(0, size));
      const { maps, journal } = opened();
      expect(maps.left.size).toBe(0);
      journal.close();
    }
  });

  it('is written anew when it has grown, so that history costs nothing', async () => {
    const { put, journal } = opened(path, { compactAfterBytes: 2_000 });
    for (let i = 0; i < 2_000; i++) {
      put.left(`key ${i % 5}`, i);
      await turn();
      expect(statSync(path).size).toBeLessThan(2_400);
    }
    journal.close();
    expect([...opened().maps.left].sort()).toEqual([0, 1, 2, 3, 4].map((i) => [`key ${i}`, 1995 + i]));
  });

  it('is written anew by what came since it was, however often it was opened in between', async () => {
    let largest = 0;
    for (let start = 0; start < 40; start++) {
      const { put, journal, maps } = opened(path, { compactAfterBytes: 2_000 });
      expect([...maps.left]).toEqual(start === 0 ? [] : [['only', start * 100 - 1]]);
      for (let i = 0; i < 100; i++) {
        put.left('only', start * 100 + i);
        await turn();
      }
      journal.close();
      largest = Math.max(largest, statSync(path).size);
    }
    expect(largest).toBeLessThan(2_400);
  });

  it('asks for an entry at the end of the turn, when it is given a function', async () => {
    const journal = journalFile(path);
    let value = 1;
    const write = journal.join<number>('late', { restore() {}, snapshot: () => [] });
    journal.open();
    write(() => value);
    value = 2;
    await turn();
    journal.close();
    const restored: number[] = [];
    const again = journalFile(path);
    again.join<number>('late', { restore: (entry) => void restored.push(entry), snapshot: () => [] });
    again.open();
    expect(restored).toEqual([2]);
  });

  it('refuses what is broken within, what it does not know and another format, and changes nothing', async () => {
    const { put, journal } = opened();
    put.left('a', 1);
    journal.close();
    const whole = readFileSync(path);
    for (const line of ['no json', '[["unknown",1]]', '[["left",7]]']) {
      writeFileSync(path, whole);
      appendFileSync(path, `${line}\n[["left",["b",2]]]\n`);
      const before = readFileSync(path);
      expect(() => opened()).toThrow(expect.objectContaining({ code: 'local.journalBroken' }));
      expect(readFileSync(path).equals(before)).toBe(true);
    }
    writeFileSync(path, '{"journal":"daybook","format":2}\n');
    expect(() => opened()).toThrow(/format is 2/);
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Figure } from './figure.ts';
import { judge, spreadOf, valuesOf } from './judge.ts';
import { loadBenches, selectBenches } from './load-benches.ts';
import { type ResultLine, resultLine } from './result-line.ts';
import { type Meter, orderOf, type Rounds, runRounds } from './run-rounds.ts';
import { markOf, tableOf } from './table.ts';

const root = resolve(import.meta.dirname, '../..');
const ratio = { kind: 'ratio', of: 'ours', to: 'bare', by: 'cpu' } as const;
const cpuOf = (ours: readonly number[], bare: readonly number[]): Rounds => ({
  ours: ours.map((cpu) => ({ cpu, wall: cpu * 2 })),
  bare: bare.map((cpu) => ({ cpu, wall: cpu })),
});

describe('a figure of rounds', () => {
  it('compares sides within a round, so that a slow moment of the machine cancels out', () => {
    // The second round is ten times as slow for both: the ratio of the medians would be 1.1.
    const rounds = cpuOf([110, 1200, 130], [100, 1000, 100]);
    expect(valuesOf(ratio, rounds)).toEqual([1.1, 1.2, 1.3]);
    expect(judge({ formula: ratio }, rounds)).toMatchObject({
      median: 1.2,
      min: 1.1,
      max: 1.3,
      rounds: 3,
      unit: 'ratio',
    });
    expect(valuesOf({ ...ratio, by: 'wall' }, rounds)[0]).toBeCloseTo(2.2);
  });

  it('is a difference, a rate or a reading', () => {
    const rounds = cpuOf([150, 170], [100, 100]);
    expect(valuesOf({ kind: 'extra', of: 'ours', over: 'bare', by: 'cpu' }, rounds)).toEqual([50, 70]);
    expect(valuesOf({ kind: 'rate', of: 'bare', by: 'cpu' }, rounds)).toEqual([1e7, 1e7]);
    expect(valuesOf({ kind: 'reading', of: 'ours', by: 'bytes', unit: 'B' }, { ours: [{ bytes: 7 }] })).toEqual([7]);
  });

  it('is refused where something was not measured', () => {
    expect(() => valuesOf(ratio, cpuOf([1], [0]))).toThrow('the side bare took no cpu that can be measured');
    expect(() => valuesOf({ ...ratio, by: 'bytes' }, cpuOf([1], [1]))).toThrow('the side ours has no reading bytes');
    expect(() => judge({ formula: ratio }, {})).toThrow('no rounds');
  });

  it('has quartiles between its rounds', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ min: 1, q1: 1.75, median: 2.5, q3: 3.25, max: 4 });
    expect(spreadOf([5])).toEqual({ min: 5, q1: 5, median: 5, q3: 5, max: 5 });
  });
});

describe('a budget', () => {
  const marked = (budget: Figure['budget'], ratios: readonly number[]) =>
    markOf(
      judge(
        { formula: ratio, ...(budget && { budget }) },
        cpuOf(
          ratios,
          ratios.map(() => 1),
        ),
      ),
    );

  it.each([
    [{ atMost: 1.1 }, [1, 1, 1.05, 1.1, 1.1], 'met'],
    [{ atMost: 1.1 }, [1, 1, 1.05, 1.1, 1.2], 'met, noisy'],
    [{ atMost: 1.1 }, [1, 1.2, 1.2, 1.2, 1.2], 'not met, noisy'],
    [{ atMost: 1.1 }, [1.2, 1.2, 1.2, 1.2, 1.2], 'not met'],
    [{ atLeast: 5 }, [5, 6, 7, 8, 9], 'met'],
    [{ atLeast: 5 }, [1, 2, 3, 4, 4.9], 'not met'],
    [{ atLeast: 5 }, [4, 6, 7, 8, 9], 'met, noisy'],
    [{ atMost: 1.1 }, [1, 1, 1, 1], 'met, noisy'], // four rounds say little
    [undefined, [1, 2, 3, 4, 5], 'reference'],
  ] as const)('%o, of rounds %o: %s', (budget, ratios, mark) => {
    expect(marked(budget, ratios)).toBe(mark);
  });
});

describe('rounds', () => {
  /** Each tick of work is 10 ns of CPU and 30 ns of wall. */
  function bench() {
    let time = 0;
    const did: string[] = [];
    const meter: Meter = { cpu: () => time * 10, wall: () => time * 30, collect: () => did.push('collect') };
    const side = (name: string, ticks: number) => ({
      count: 2,
      before() {
        time += 1000;
      },
      async run() {
        did.push(name);
        time += ticks;
      },
    });
    return { did, meter, side };
  }

  it('run every side in changing order, after warming up, and measure only the runs, per operation', async () => {
    const { did, meter, side } = bench();
    const rounds = await runRounds({ a: side('a', 4), b: side('b', 8) }, { rounds: 2, warmUp: 2 }, meter);
    expect(did.filter((name) => name !== 'collect')).toEqual(['a', 'b', 'b', 'a', 'b', 'a', 'a', 'b']);
    expect(did.filter((name) => name === 'collect')).toHaveLength(8);
    expect(rounds).toEqual({ a: Array(2).fill({ cpu: 20, wall: 60 }), b: Array(2).fill({ cpu: 40, wall: 120 }) });
  });

  it('take the sides in turn within a round, and add the turns up', async () => {
    const { did, meter, side } = bench();
    const options = { rounds: 1, turns: 4, warmUp: 0 };
    const rounds = await runRounds({ a: side('a', 4), b: side('b', 8) }, options, meter);
    expect(did).toEqual(['collect', 'a', 'b', 'b', 'a', 'b', 'a', 'a', 'b']);
    expect(rounds).toEqual({ a: [{ cpu: 20, wall: 60 }], b: [{ cpu: 40, wall: 120 }] });
  });

  it('keep a side’s own readings, which may replace the time', async () => {
    const { meter, side } = bench();
    const child = { ...side('a', 4), readings: () => ({ bytes: 10, cpu: 6 }) };
    const rounds = await runRounds({ child }, { rounds: 1, warmUp: 0 }, meter);
    expect(rounds).toEqual({ child: [{ cpu: 3, wall: 60, bytes: 5 }] });
    const broken = { ...child, readings: () => ({ bytes: Number.NaN }) };
    await expect(runRounds({ broken }, { rounds: 1 }, meter)).rejects.toThrow('broken: its reading bytes is NaN');
  });

  it('let every side come first equally often', () => {
    const first = Array.from({ length: 12 }, (_, turn) => orderOf(['a', 'b', 'c'], turn)[0]);
    for (const name of ['a', 'b', 'c']) expect(first.filter((one) => one === name)).toHaveLength(4);
  });
});

const conditions = {
  node: 'v20.0.0',
  platform: 'linux x64',
  cpus: 2,
  load: [0.5, 1.5],
  commit: 'abc1234',
  at: '2026-01-01T00:00:00.000Z',
} as const;

function lineOf(figure: Figure, rounds: Rounds): ResultLine {
  return resultLine('bench', figure, judge(figure, rounds), rounds, conditions);
}

describe('what is reported', () => {
  const figure: Figure = { name: 'one', what: 'ours ÷ bare', formula: ratio, budget: { atMost: 1.1 } };
  const line = lineOf(figure, cpuOf([1.23456, 1.3, 1.3, 1.3, 1.5], [1, 1, 1, 1, 1]));

  it('is one line of JSON per figure, with its conditions', () => {
    expect(JSON.parse(JSON.stringify(line))).toEqual({
      figure: 'one',
      bench: 'bench',
      what: 'ours ÷ bare',
      unit: 'ratio',
      by: 'cpu',
      median: 1.3,
      min: 1.235,
      max: 1.5,
      q1: 1.3,
      q3: 1.3,
      budget: { atMost: 1.1 },
      met: false,
      noisy: false,
      rounds: 5,
      sides: { ours: { cpu: 1.3, wall: 2.6 }, bare: { cpu: 1, wall: 1 } },
      ...conditions,
    });
  });

  it('is a table on screen, coloured only where that is wanted', () => {
    const { budget: _, ...unbudgeted } = figure;
    const reference = lineOf({ ...unbudgeted, name: 'other' }, cpuOf([1], [1]));
    expect(tableOf([line, reference], { colored: false })).toEqual([
      'figure  median [min – max]  budget             rounds',
      'one     1.30 [1.24 – 1.50]  ≤ 1.10  not met    5',
      'other   1.00 [1.00 – 1.00]          reference  1',
    ]);
    const colored = tableOf([line], { colored: true })[1]!;
    expect(colored).toContain('\u001b[31mnot met\u001b[0m');
  });
});

describe('the figures', () => {
  it('are well formed, and docs/benchmarks.md names every one with its budget', async () => {
    const benches = await loadBenches();
    const figures = benches.flatMap((bench) => bench.figures);
    expect(figures.length).toBeGreaterThan(15);
    const names = figures.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    const docs = readFileSync(join(root, 'docs/benchmarks.md'), 'utf8');
    for (const { name, budget } of figures) {
      const row = docs.split('\n').find((text) => text.startsWith(`| \`${name}\` |`));
      const limit =
        budget === undefined ? 'reference' : 'atMost' in budget ? `≤ ${budget.atMost}` : `≥ ${budget.atLeast}`;
      expect(row?.split('|').at(-2)?.trim(), name).toBe(limit);
    }
  });

  it('are chosen by their own or their bench’s name', async () => {
    const benches = await loadBenches();
    const chosen = (...names: string[]) =>
      selectBenches(benches, names).flatMap(({ figures }) => figures.map(({ name }) => name));
    expect(chosen('append-one')).toEqual(['append-one']);
    expect(chosen('fold', 'rule-matches')).toEqual(['rule-matches', 'fold-cost']);
    expect(chosen()).toContain('load-castore');
    expect(() => chosen('apend')).toThrow('there is no figure apend; there are adopt, adopt-linear');
  });
});

describe('npm run bench', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const bench = async (...args: string[]) =>
    await promisify(execFile)(
      process.execPath,
      ['--conditions=daybook-source', '--import', 'tsx', 'test/bench/bench.ts', ...args],
      { cwd: root, env: { ...process.env, NO_COLOR: '1' } },
    );

  it('measures one figure, adds its line and prints its row', async () => {
    const out = join(folder, 'results.jsonl');
    const { stdout } = await bench('rule-matches', '--rounds', '2', '--out', out);
    expect(stdout).toMatch(/^rule-matches +[\d,]+ \[[\d,]+ – [\d,]+\] per second +≥ 200,000 +\S.*, noisy +2$/m);
    expect(stdout).not.toContain('\u001b');
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0]!) as ResultLine;
    expect(line).toMatchObject({ figure: 'rule-matches', rounds: 2, noisy: true, node: process.version });
    expect(line.min).toBeGreaterThan(0);
    expect(line.load).toHaveLength(2);
    expect(Object.keys(line.sides)).toEqual(['match', 'parseAndMatch']);
  });

  it('says what it does not understand', async () => {
    await expect(bench('fold', '--rounds', 'x')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--rounds is x'),
    });
  });
});

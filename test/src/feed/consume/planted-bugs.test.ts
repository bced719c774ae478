import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import type { consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import { type Patch, patch } from '../../../simulation/load-code.ts';
import { violationsOf } from './crashing.ts';
import { crashRun, LENGTHS, RACE_LENGTHS, raceRun, SCENARIOS } from './scenarios.ts';

const ADVANCE = 'src/feed/consume/advance.ts';
const LEASING = 'src/feed/consume/leasing.ts';
const QUEUE = 'src/feed/consume/consume-queue.ts';
const REDRIVE = 'src/feed/consume/redrive.ts';

/** Plausible mistakes in the kit, planted at load: the crashes and races have to find each. */
const BUGS: readonly (readonly [string, ...Patch[]])[] = [
  [
    'a failure is acknowledged',
    patch(ADVANCE, 'if (parking === undefined) throw cause;', "if (parking === undefined) return 'parked';"),
  ],
  [
    'a failure moves the position past the event',
    patch(ADVANCE, 'moveOf(version - 1, true, lane)', 'moveOf(version, true, lane)'),
  ],
  [
    'a parked aggregate is left out when it arrives, and not noted',
    patch(ADVANCE, 'lane.standing = await positions.wait(name, aggregate, last);', 'return;'),
    patch(
      REDRIVE,
      'const to = Math.max(parked.waiting, (await headOf(ports.table, aggregate)) ?? 0);',
      'const to = parked.waiting;',
    ),
  ],
  [
    'a redrive ends the parking first',
    patch(
      REDRIVE,
      '    for (let races = 1; ; races++) {',
      "    if (lane.standing.parked !== undefined) await (ports.positions as any).parked.delete(ports.name + '|' + aggregate);\n    for (let races = 1; ; races++) {",
    ),
  ],
  [
    'a live batch goes on in a parked aggregate',
    patch(
      ADVANCE,
      'if (lane.standing.parked !== undefined) {',
      'if (lane.standing.parked !== undefined && lane.aggregate === undefined) {',
    ),
    patch(ADVANCE, '...(redrive && { parked: true }),', 'parked: true,'),
    patch(ADVANCE, 'redrive || attempts >= invocation.attempts', 'attempts === invocation.attempts'),
  ],
  [
    'the effect, and then the position by itself',
    patch(
      ADVANCE,
      'ports.positions.commit(move, items)',
      'ports.positions.commit({ ...move, to: move.from }, items).then((done) => done && ports.positions.commit(move, []))',
    ),
  ],
  [
    'what acts outside takes no lease',
    patch(
      ADVANCE,
      'const found = await invocation.leasing.hold(aggregate, standing.position);',
      'const found = undefined as any;',
    ),
  ],
  ['a lease is anybody’s', patch(LEASING, 'holder, until: at +', "holder: 'x', until: at +")],
  [
    'the queue’s messages are taken as they come',
    patch(QUEUE, 'run.sort((a, b) => a.notice.version - b.notice.version);', ''),
    patch(
      'src/feed/consume/arrival.ts',
      'const lastMissing = events === undefined ? to : from - 1;',
      'const lastMissing = events === undefined ? to : 0;',
    ),
  ],
];

test('without a bug nothing is found', async () => {
  expect(await find(await load([]))).toBeUndefined();
});

test.each(BUGS.map(([name, ...patches]) => [name, patches] as const))(
  'a planted bug is found: %s',
  async (_, patches) => {
    expect(await find(await load(patches))).toBeDefined();
  },
);

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** The kit as it stands, with these changes, each of which must find its place exactly once. */
async function load(patches: readonly Patch[]): Promise<typeof consumeEvents> {
  const planted = new Set<Patch>();
  const { outputFiles } = await build({
    entryPoints: [`${root}src/feed/consume/consume-events.ts`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    plugins: [
      {
        name: 'planting',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            let contents = await readFile(path, 'utf8');
            for (const each of patches.filter(({ file }) => root + file === path)) {
              const parts = contents.split(each.find);
              expect(parts, `${each.file}: ${each.find}`).toHaveLength(2);
              contents = parts.join(each.replace);
              planted.add(each);
            }
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  expect(planted.size).toBe(patches.length);
  const code = Buffer.from(outputFiles[0]!.contents).toString('base64');
  return (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)).consumeEvents;
}

/** The first thing that goes wrong. */
async function find(consume: typeof consumeEvents): Promise<string | undefined> {
  try {
    for (const kind of ['effect', 'act'] as const) {
      for (const name of Object.keys(SCENARIOS)) {
        for (let crash = 0; crash < 30; crash++) {
          const { bench } = await crashRun(kind, name, crash === 0 ? [] : [crash], consume);
          const [violation] = violationsOf(kind, bench, LENGTHS);
          if (violation !== undefined) return violation;
        }
      }
      for (let seed = 1; seed <= 12; seed++) {
        const { bench, left, ends } = await raceRun(seed, kind, consume);
        const [violation] = violationsOf(kind, bench, RACE_LENGTHS);
        if (violation !== undefined || left > 0 || !ends) return violation ?? `seed ${seed} does not end`;
      }
    }
    return undefined;
  } catch (error) {
    return String(error);
  }
}

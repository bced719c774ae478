import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** What the simulation drives: the functions as they are deployed, subscribers made with the consumer kit, and the table's own put. */
const ENTRIES = {
  'table-to-feed': 'functions/table-to-feed.ts',
  'feed-to-confirmed': 'functions/feed-to-confirmed.ts',
  'reconcile-feed': 'functions/reconcile-feed.ts',
  'feed-to-bus': 'functions/feed-to-bus.ts',
  'feed-to-projections': 'functions/feed-to-projections.ts',
  subscriber: 'test/simulation/functions/subscriber.ts',
  outside: 'test/simulation/functions/outside.ts',
  writer: 'src/aws/dynamo-event-table.ts',
} as const;

export type Entry = keyof typeof ENTRIES;

/** What a module of the code under test sees instead of this process: the globals of one execution environment. */
export interface Globals {
  readonly require: (name: string) => unknown;
  readonly process: { readonly env: Readonly<Record<string, string>> };
  readonly console: { log(line: string): void };
  readonly Date: typeof Date;
  readonly Math: typeof Math;
  readonly setTimeout: (task: () => void, ms: number) => void;
  readonly outsideWorld: (consumer: string, feed: string, event: unknown, key: string) => Promise<void>;
  readonly failsNow: (consumer: string, aggregate: string, version: number) => boolean;
}

/** Loads a bundle once more, as a new execution environment does: what its modules keep in memory is their own. */
// biome-ignore lint/suspicious/noExplicitAny: what a bundle exports is known to who asks for it
export type CodeUnderTest = (entry: Entry, globals: Globals) => any;

/** A change of one source file: `find` must stand there exactly once. */
export interface Patch {
  /** From the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const LIMITS = { envelopeBytes: 2_200, answerBytes: 3_000, busBytes: 1_500, busEvents: 3 };

/** Small limits, so that runs of a few events already overflow an envelope, an answer, a call and a page. */
export const SMALL_LIMITS: readonly Patch[] = [
  patch('src/feed/envelope-size.ts', 'ENVELOPE_BYTES = 900_000', `ENVELOPE_BYTES = ${LIMITS.envelopeBytes}`),
  patch('src/feed/envelope-size.ts', 'ANSWER_BYTES = 4_500_000', `ANSWER_BYTES = ${LIMITS.answerBytes}`),
  patch('src/feed/enrich.ts', 'MUCH_BYTES = 16_000', 'MUCH_BYTES = 1_600'),
  patch('src/feed/reconcile.ts', 'const PAGE = 100', 'const PAGE = 2'),
  patch('src/feed/adopt.ts', 'const PAGE = 1000', 'const PAGE = 2'),
  patch('src/aws/dynamo-earlier-feed.ts', 'pageSize = 1000', 'pageSize = 3'),
  patch('src/aws/eventbridge-bus.ts', 'MAX_BYTES = 256 * 1024 - 2048', `MAX_BYTES = ${LIMITS.busBytes}`),
  patch('src/aws/eventbridge-bus.ts', 'maxEvents: 10', `maxEvents: ${LIMITS.busEvents}`),
];

export function patch(file: string, find: string, replace: string): Patch {
  return { file, find, replace };
}

// Two folders down, here and where it is bundled to.
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The code as it stands in the repository, with these changes. */
export async function loadCode(patches: readonly Patch[]): Promise<CodeUnderTest> {
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(root, file)])),
    outdir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    external: ['@aws-sdk/*'],
    alias: { 'daybook:app': join(root, 'test/simulation/functions/app.ts') },
    conditions: ['daybook-source', 'module'],
    plugins: [planting(patches)],
  });
  const names = ['require', 'process', 'console', 'Date', 'Math', 'setTimeout', 'outsideWorld', 'failsNow'] as const;
  const bundles = new Map(
    outputFiles.map(({ path, text }) => {
      const body = `const module = { exports: {} };\n${text}\nreturn module.exports;`;
      return [basename(path, '.js'), new Function(...names, body)];
    }),
  );
  return (entry, globals) => bundles.get(entry)!(...names.map((name) => globals[name]));
}

function planting(patches: readonly Patch[]): Plugin {
  return {
    name: 'planting',
    setup({ onLoad, onEnd }) {
      const planted = new Set<Patch>();
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        let contents = await readFile(path, 'utf8');
        for (const each of patches) {
          if (resolve(root, each.file) !== path) continue;
          const parts = contents.split(each.find);
          if (parts.length !== 2) throw new Error(`${each.file} holds ${parts.length - 1} times: ${each.find}`);
          contents = parts.join(each.replace);
          planted.add(each);
        }
        return { contents, loader: 'ts' };
      });
      onEnd(() => {
        const missing = patches.find((each) => !planted.has(each));
        if (missing !== undefined) throw new Error(`${missing.file} was not loaded`);
      });
    },
  };
}

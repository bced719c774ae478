import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from './process.ts';

export const root = resolve(import.meta.dirname, '../..');

/** What git leaves out, and git itself: a clean clone has none of it. */
const NOT_CLONED = ['.git', '.cache', '.daybook', 'node_modules', 'dist', 'cdk.out', 'coverage'];

export interface Packed {
  readonly folder: string;
  readonly tarball: string;
  /** From the package's root. */
  readonly files: readonly string[];
}

/** `npm pack`, with all its scripts, in a copy of the repository: its dist/ may be in use by other tests. */
export async function pack(folder: string): Promise<Packed> {
  const clone = join(folder, 'clone');
  mkdirSync(clone);
  for (const entry of readdirSync(root).filter((name) => !NOT_CLONED.includes(name))) {
    cpSync(join(root, entry), join(clone, entry), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'), 'junction');
  const out = await run(clone, ['npm', 'pack', '--json', '--foreground-scripts=false', `--pack-destination=${folder}`]);
  const [{ filename, files }] = JSON.parse(out) as [{ filename: string; files: { path: string }[] }];
  return { folder, tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

/**
 * An empty project with the tarball and a user's own packages, installed by npm without network: what Daybook depends on is
 * linked from this repository. What Daybook imports without saying so in its package.json is missing there.
 */
export async function install(folder: string, tarball: string): Promise<string> {
  const project = join(folder, 'project');
  cpSync(join(root, 'test/package/project'), project, { recursive: true });
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    optionalDependencies: Record<string, string>;
  };
  const users = ['@types/node', 'aws-cdk-lib', 'constructs', 'esbuild', 'tsx', 'typescript'];
  const linked = [...Object.keys(own.dependencies), ...Object.keys(own.optionalDependencies), ...users];
  const dependencies = Object.fromEntries(linked.map((name) => [name, `file:${join(root, 'node_modules', name)}`]));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      name: 'shop',
      private: true,
      type: 'module',
      dependencies: { ...dependencies, daybook: `file:${tarball}` },
    }),
  );
  await run(project, ['npm', 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund']);
  return project;
}

/** Its real path: links like macOS's /tmp would make two modules of one file. */
export const temporaryFolder = () => realpathSync(mkdtempSync(join(tmpdir(), 'daybook-package-')));

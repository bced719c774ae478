import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzip } from './unzip.ts';

/** A function's code: a folder that was synthesized, the text of `index.js`, or an archive that was uploaded. */
export type Code = { readonly folder: string } | { readonly inline: string } | { readonly zip: Buffer };

/**
 * Lays out code as an execution environment sees it:
 *
 *     <stage>/<function>/task/           a copy of the bundle, LAMBDA_TASK_ROOT
 *     <stage>/<function>/node_modules/   links: the SDK that Lambda's Node.js runtimes contain, and the layers' packages
 *
 * Outside the project, so that Node's own resolution finds what AWS would find and nothing else: a package that is
 * neither bundled nor in a layer fails here too. For import and require alike, in every Node version.
 *
 * A layer's packages are taken from the project's own node_modules, found from the app's folder upwards, where it has
 * them: a native layer is built for the function's architecture and can't be loaded by this machine's processor. What the
 * project doesn't have is taken from the layer.
 */
export interface CodeStage {
  lay(
    name: string,
    code: Code,
    layerFolders: readonly string[],
  ): { readonly taskRoot: string; readonly nodePath: string };
  remove(name: string): void;
  clear(): void;
}

// "The Node.js runtimes include the AWS SDK for JavaScript v3" (Lambda developer guide, Node.js runtimes).
const RUNTIME_SCOPES = ['@aws-sdk', '@smithy', '@aws'];

export function createCodeStage(appDirectory: string): CodeStage {
  const here = dirname(fileURLToPath(import.meta.url));
  let root: string | undefined;
  return {
    lay(name, code, layerFolders) {
      root ??= mkdtempSync(join(tmpdir(), 'daybook-lambda-'));
      const folder = join(root, name);
      const taskRoot = join(folder, 'task');
      const nodePath = join(folder, 'node_modules');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(nodePath, { recursive: true });
      if ('folder' in code) {
        cpSync(code.folder, taskRoot, { recursive: true });
      } else if ('zip' in code) {
        for (const { path, content } of unzip(code.zip)) {
          mkdirSync(dirname(join(taskRoot, path)), { recursive: true });
          writeFileSync(join(taskRoot, path), content);
        }
      } else {
        mkdirSync(taskRoot);
        writeFileSync(join(taskRoot, 'index.js'), code.inline);
      }
      const link = (entry: string, target: string | undefined) => {
        const path = join(nodePath, entry);
        if (target === undefined || existsSync(path)) return;
        mkdirSync(dirname(path), { recursive: true });
        symlinkSync(target, path, 'junction');
      };
      for (const layer of layerFolders) {
        for (const [entry, own] of packagesOf(layer)) {
          link(entry, findUpwards(appDirectory, entry) ?? findUpwards(here, entry) ?? own);
        }
      }
      for (const scope of RUNTIME_SCOPES) {
        // A layer may have made the scope's folder: then the rest of the scope is linked package by package.
        const target = findUpwards(appDirectory, scope) ?? findUpwards(here, scope);
        if (target === undefined || !existsSync(join(nodePath, scope))) link(scope, target);
        else for (const entry of readdirSync(target)) link(`${scope}/${entry}`, join(target, entry));
      }
      return { taskRoot, nodePath };
    },
    remove(name) {
      if (root !== undefined) rmSync(join(root, name), { recursive: true, force: true });
    },
    clear() {
      if (root !== undefined) rmSync(root, { recursive: true, force: true });
      root = undefined;
    },
  };
}

/**
 * The packages of a Node.js layer, with the layer's own copy where it has one: what lies in `nodejs/node_modules`, and, for
 * a layer that was not bundled, the dependencies that a package.json in its source names.
 */
function packagesOf(layerFolder: string): [string, string | undefined][] {
  const modules = join(layerFolder, 'nodejs', 'node_modules');
  const packages: [string, string | undefined][] = [];
  for (const entry of existsSync(modules) ? readdirSync(modules) : []) {
    if (entry.startsWith('.')) continue;
    const names = entry.startsWith('@') ? readdirSync(join(modules, entry)).map((name) => `${entry}/${name}`) : [entry];
    for (const name of names) packages.push([name, join(modules, name)]);
  }
  if (packages.length > 0) return packages;
  for (const path of [join(layerFolder, 'nodejs', 'package.json'), join(layerFolder, 'package.json')]) {
    if (!existsSync(path)) continue;
    const { dependencies = {} } = JSON.parse(readFileSync(path, 'utf8')) as { dependencies?: Record<string, string> };
    for (const name of Object.keys(dependencies)) packages.push([name, undefined]);
  }
  return packages;
}

function findUpwards(from: string, entry: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', entry);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Size and digest as GetFunction shows them: of the archive, or of the files where none was made. */
export function measureCode(code: Code): { readonly size: number; readonly sha256: string } {
  const digest = createHash('sha256');
  if ('zip' in code) return { size: code.zip.length, sha256: digest.update(code.zip).digest('base64') };
  let size = 0;
  const add = (name: string, content: Buffer) => {
    size += content.length;
    digest.update(`${name}\n${content.length}\n`).update(content);
  };
  if ('inline' in code) {
    add('index.js', Buffer.from(code.inline));
  } else {
    const files = readdirSync(code.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
    for (const path of paths) add(path.slice(code.folder.length), readFileSync(path));
  }
  return { size, sha256: digest.digest('base64') };
}

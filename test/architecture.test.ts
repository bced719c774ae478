import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

// What may import what, and how things are called: docs/architecture.md.

const root = resolve(import.meta.dirname, '..');
const SOURCES = ['src', 'functions', 'stacks', 'local', 'examples', 'scripts', 'test'];

interface Import {
  /** The file that imports, from the root: `src/store/append.ts`. */
  readonly by: string;
  /** A package's name with its path, or a file, from the root. */
  readonly of: string;
}

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, '/'));
}

/** Static, dynamic and type imports alike; those in comments and their examples are none. */
function importsOf(by: string): Import[] {
  const lines = readFileSync(join(root, by), 'utf8').split('\n');
  const code = lines.filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join('\n');
  return [...code.matchAll(/\b(?:from|import|require)\s*\(?\s*'([^'\n]+)'/g)].map(([, path = '']) => ({
    by,
    of: path.startsWith('.') ? normalize(join(dirname(by), path)).replaceAll(sep, '/') : path,
  }));
}

const importsIn = (folder: string) =>
  filesIn(folder)
    .filter((file) => file.endsWith('.ts'))
    .flatMap(importsOf);
const isIn = (...folders: string[]) => {
  return ({ of }: Import) => folders.some((folder) => of === folder || of.startsWith(`${folder}/`));
};
const isOwn = isIn('src', 'functions', 'stacks', 'local', 'examples', 'scripts', 'test');
const isDaybook = isIn('daybook');

describe('imports', () => {
  it('are all seen, or the rules below would hold for nothing', () => {
    expect(importsIn('src').length).toBeGreaterThan(300);
    expect(importsOf('src/cli/dev.ts')).toContainEqual({ by: 'src/cli/dev.ts', of: 'daybook/local' });
    expect(importsOf('functions/feed-to-bus.ts')).toContainEqual({
      by: 'functions/feed-to-bus.ts',
      of: 'src/feed/publish.ts',
    });
    const own = SOURCES.flatMap(importsIn).filter(isOwn);
    expect(own.filter(({ of }) => !existsSync(join(root, of)))).toEqual([]);
  });

  it('of the library stay in the library', () => {
    expect(importsIn('src').filter((each) => isOwn(each) && !isIn('src')(each))).toEqual([]);
    // `daybook dev` hosts the embedded runtime, by its door and only when it is called.
    expect(importsIn('src').filter(isDaybook)).toEqual([{ by: 'src/cli/dev.ts', of: 'daybook/local' }]);
  });

  it('of the functions are the library’s and the SDK’s', () => {
    const allowed = isIn('src', 'daybook:app', '@aws-sdk', 'aws-lambda');
    const own = importsIn('functions').filter(({ by }) => !by.endsWith('.d.ts'));
    expect(own.filter((each) => !allowed(each))).toEqual([]);
  });

  it('of the SDK are in src/aws, where its ports are', () => {
    // The CLI makes clients for the endpoint and region that it was told, and hands them to those ports, as functions/ does.
    const ports = ['src/aws/', 'src/cli/'];
    const sdk = importsIn('src').filter(isIn('@aws-sdk', '@smithy'));
    expect(sdk.filter(({ by }) => !ports.some((folder) => by.startsWith(folder)))).toEqual([]);
    expect(importsIn('local').filter(isIn('@aws-sdk', '@smithy'))).toEqual([]);
    expect(importsIn('stacks').filter(isIn('@aws-sdk', '@smithy'))).toEqual([]);
  });

  it('of the embedded runtime name no function, construct or example: it hosts what a template says', () => {
    expect(importsIn('local').filter(isIn('functions', 'stacks', 'examples', 'test'))).toEqual([]);
    expect(importsIn('stacks/constructs').filter(isIn('functions', 'local', 'examples', 'test'))).toEqual([]);
  });

  it('of the examples are a user’s: Daybook by its package’s name', () => {
    const leaving = importsIn('examples').filter((each) => {
      const example = each.by.split('/').slice(0, 2).join('/');
      return isOwn(each) && !isIn(example)(each);
    });
    expect(leaving).toEqual([]);
    expect(importsIn('examples').filter(isDaybook).length).toBeGreaterThan(5);
  });
});

describe('names', () => {
  const files = SOURCES.flatMap(filesIn);

  it('say what a thing is for', () => {
    const parts = new Set(files.flatMap((file) => file.split('/')));
    const empty = /(^|[-.])(utils?|common|helpers?|managers?|misc|shared)([-.]|$)/;
    expect([...parts].filter((part) => empty.test(part))).toEqual([]);
  });

  it('are kebab-case', () => {
    const modules = files.filter((file) => file.endsWith('.ts')).map((file) => basename(file));
    expect(modules.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|test-d|d))?\.ts$/.test(name))).toEqual([]);
  });

  it('index.ts is a door of the package', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, string | { readonly 'daybook-source': string }>;
    };
    const doors = Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? [] : [target['daybook-source'].slice('./'.length)],
    );
    expect(files.filter((file) => basename(file) === 'index.ts').sort()).toEqual(doors.sort());
  });
});

it('who throws an error of a part imports its texts, which a bundle without that part does not hold', () => {
  const parts = filesIn('src').filter((file) => /^src\/[a-z]+\/errors\.ts$/.test(file));
  const always = ['src/event/errors.ts'];
  const codesOf = (part: string) =>
    [...readFileSync(join(root, part), 'utf8').matchAll(/^ {2}'([a-z]+\.[A-Za-z]+)':/gm)].map(([, code = '']) => code);
  const missing = filesIn('src').flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    if (!text.includes('new DaybookError(') || parts.includes(file)) return [];
    return parts
      .filter((part) => !always.includes(part) && codesOf(part).some((code) => text.includes(`'${code}'`)))
      .filter((part) => !importsOf(file).some(({ of }) => of === part))
      .map((part) => `${file} throws codes of ${part} and does not import it`);
  });
  expect(missing).toEqual([]);
  expect(parts.flatMap(codesOf).length).toBeGreaterThan(90);
  for (const part of parts.filter((each) => !always.includes(each))) {
    expect(readFileSync(join(root, part), 'utf8'), part).toMatch(/^addMessages\(\w+Errors\);$/m);
  }
});

it('a function is 40 lines at most: parse, call one verb, answer', () => {
  const lengths = filesIn('functions').map((file) => ({
    file,
    lines: readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length,
  }));
  expect(lengths.length).toBeGreaterThan(5);
  expect(lengths.filter(({ lines }) => lines > 40)).toEqual([]);
});

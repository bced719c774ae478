import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { install, type Packed, pack, root, temporaryFolder } from './install.ts';
import { type Running, run, start } from './process.ts';

// The package as a newcomer gets it: packed, installed in an empty project, used by its name.

const folder = temporaryFolder();
let packed: Packed;
let project: string;

beforeAll(async () => {
  packed = await pack(folder);
  project = await install(folder, packed.tarball);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inPackage = (file: string) => join(project, 'node_modules/daybook', file);
const read = (file: string) => readFileSync(file, 'utf8');
const manifest = () => JSON.parse(read(inPackage('package.json')));
const daybook = (...args: string[]) => [process.execPath, join(project, 'node_modules/.bin/daybook'), ...args];

const OWN_FUNCTIONS = [
  'check-archive',
  'compact-bucket',
  'compact-clean',
  'compact-plan',
  'compact-switch',
  'feed-to-archive',
  'feed-to-bus',
  'feed-to-confirmed',
  'reconcile-feed',
  'replay-ended',
  'replay-report',
  'table-to-feed',
];
/** Run at synthesis, deployed nowhere. */
const AT_SYNTHESIS = ['describe-app'];
const FUNCTIONS_WITH_APP = [
  'feed-to-projections',
  'replay-catch-up',
  'replay-clean-up',
  'replay-fold',
  'replay-plan',
  'replay-verify',
];

describe('the tarball', () => {
  it('holds JavaScript, types, bundles, schemas and the state machine, and nothing else', () => {
    const expected = [
      /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|bin\/daybook\.js)$/,
      /^dist\/(src|local|stacks\/constructs)\/[a-z0-9/-]+\.(js|d\.ts)$/,
      /^dist\/functions\/[a-z-]+\/index\.mjs$/,
      /^dist\/functions-source\/[a-z-]+\.js$/,
      /^schemas\/[a-z-]+\.json$/,
      /^statemachines\/[a-z-]+\.asl\.json$/,
      /^stacks\/duckdb-layer\/README$/,
    ];
    expect(packed.files.filter((file) => !expected.some((pattern) => pattern.test(file)))).toEqual([]);
    expect(packed.files).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'LICENSE']));
    expect(packed.files).toEqual(expect.arrayContaining(['schemas/envelope.json', 'statemachines/replay.asl.json']));
    const functions = packed.files.filter((file) => file.startsWith('dist/functions')).sort();
    expect(functions).toEqual([
      ...[...AT_SYNTHESIS, ...FUNCTIONS_WITH_APP].map((name) => `dist/functions-source/${name}.js`),
      ...OWN_FUNCTIONS.map((name) => `dist/functions/${name}/index.mjs`),
    ]);
  });

  it('has the types of each module', () => {
    const modules = packed.files.filter((file) => /^dist\/(src|local|stacks)\/.*\.js$/.test(file));
    expect(modules.length).toBeGreaterThan(300);
    expect(modules.filter((file) => !packed.files.includes(file.replace(/\.js$/, '.d.ts')))).toEqual([]);
  });

  it('says nothing of the machine that built it', () => {
    const places = [root, folder];
    const telling = packed.files.filter((file) => places.some((place) => read(inPackage(file)).includes(place)));
    expect(telling).toEqual([]);
  });

  it('has a file behind each door', () => {
    const targets = Object.values(manifest().exports as Record<string, string | Record<string, string>>)
      .flatMap((target) => (typeof target === 'string' ? [target] : [target.types, target.default]))
      .filter((target) => target !== './schemas/*');
    expect(targets.length).toBeGreaterThan(10);
    expect(targets.filter((target) => target === undefined || !existsSync(inPackage(target)))).toEqual([]);
  });
});

describe('a project that installed it', () => {
  it('imports each door, from a module or from CommonJS', async () => {
    const doors = ['daybook', 'daybook/consume', 'daybook/testing', 'daybook/cdk', 'daybook/local'];
    const names = (load: string) => `console.log(JSON.stringify([
      ${doors.map((door) => `Object.keys(${load}('${door}')).sort()`).join(',')}
    ]))`;
    const imported = await run(project, ['node', '--input-type=module', '-e', names('await import')]);
    const exported: string[][] = JSON.parse(imported);
    expect(exported).toEqual([
      expect.arrayContaining(['createEventStore', 'defineApp', 'dynamoEventTable']),
      expect.arrayContaining(['consumeEvents', 'consumeFeed']),
      expect.arrayContaining(['given', 'memoryEventTable']),
      expect.arrayContaining(['Daybook', 'Subscriber']),
      expect.arrayContaining(['startLocal', 'synthesize']),
    ]);
    // `cdk init` makes CommonJS projects. Node requires ES modules from 20.19 on.
    const required = await run(project, ['node', '--input-type=commonjs', '-e', names('require')]);
    expect(JSON.parse(required)).toEqual(exported);
  });

  it('reads its schemas', async () => {
    const script = "console.log(require('daybook/schemas/envelope.json').$schema)";
    expect(await run(project, ['node', '-e', script])).toMatch(/json-schema\.org/);
  });

  // Once with the declarations of all packages checked too, Daybook's among them; aws-cdk-lib's have optional properties
  // that exactOptionalPropertyTypes refuses.
  it.each([
    { module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: false, exactOptionalPropertyTypes: false },
    { module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true, exactOptionalPropertyTypes: true },
  ])('type-checks a CDK app strictly ($moduleResolution)', { timeout: 120_000 }, async (resolution) => {
    const compilerOptions = {
      ...resolution,
      target: 'es2022',
      strict: true,
      noUncheckedIndexedAccess: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      types: ['node'],
    };
    const config = `tsconfig.${resolution.moduleResolution}.json`;
    writeFileSync(join(project, config), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    expect(await run(project, ['node', 'node_modules/typescript/bin/tsc', '-p', config])).toBe('');
  });

  it('synthesizes it, with the bundles that the package holds and those of its own app', {
    timeout: 60_000,
  }, async () => {
    const context = { 'aws:cdk:enable-asset-metadata': true, 'daybook:local': true }; // or npm would fetch the layer's DuckDB
    const settings = { CDK_OUTDIR: 'cdk.out', CDK_CONTEXT_JSON: JSON.stringify(context), CDK_VALIDATION: 'false' };
    await run(project, ['node', '--import', 'tsx', 'app.ts'], settings);

    const prebuilt = OWN_FUNCTIONS.map((name) => digest(inPackage(`dist/functions/${name}/index.mjs`))).sort();
    // Replays take an app.
    const plain = OWN_FUNCTIONS.filter((name) => !name.startsWith('replay-'));
    const digests = plain.map((name) => digest(inPackage(`dist/functions/${name}/index.mjs`)));
    expect(bundlesOf('Plain').map(digest).sort()).toEqual(digests.sort());
    const shop = bundlesOf('Shop');
    const withApp = shop.filter((file) => !prebuilt.includes(digest(file)));
    expect(shop.length - withApp.length).toBe(prebuilt.length);
    expect(withApp.length).toBe(FUNCTIONS_WITH_APP.length);
    expect(withApp.filter((file) => !read(file).includes('OrderPlaced'))).toEqual([]);

    const stores = ['DynamoDB::Table', 'Kinesis::Stream', 'Pipes::Pipe', 'Events::EventBus', 'S3::Bucket'];
    for (const type of stores) expect(typesOf('Plain')).toContain(`AWS::${type}`);
    // Nothing to replay without an app: the one machine is compaction's.
    expect(typesOf('Plain').filter((type) => type === 'AWS::StepFunctions::StateMachine')).toHaveLength(1);
    expect(typesOf('Shop').filter((type) => type === 'AWS::StepFunctions::StateMachine')).toHaveLength(2);
    for (const type of [...stores, 'StepFunctions::StateMachine', 'Events::Rule']) {
      expect(typesOf('Shop')).toContain(`AWS::${type}`);
    }
  });

  it('runs the command line', async () => {
    const { version } = manifest();
    expect(await run(project, ['npx', '--no', '--offline', '--', 'daybook', '--version'])).toBe(`${version}\n`);
    const help = await run(project, daybook('--help'));
    expect(help).toMatch(/^daybook <command>/);
    expect(help).toContain('  dev ');
  });
});

const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

interface Resource {
  readonly Type: string;
  readonly Metadata?: Record<string, string>;
}

function resourcesOf(stack: string): Resource[] {
  const template = JSON.parse(read(join(project, `cdk.out/${stack}.template.json`)));
  return Object.values(template.Resources as Record<string, Resource>);
}

const typesOf = (stack: string) => resourcesOf(stack).map(({ Type }) => Type);

function bundlesOf(stack: string): string[] {
  return resourcesOf(stack)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Metadata }) => join(project, 'cdk.out', Metadata?.['aws:asset:path'] ?? '', 'index.mjs'))
    .filter((file) => existsSync(file)); // CDK has functions of its own, too
}

describe('daybook dev from the package', () => {
  let running: Running | undefined;
  const dev = (app: string) => {
    running = start(project, daybook('dev', '--app', app, '--json', '--no-tour'));
    return running;
  };
  afterAll(() => running?.child.kill('SIGKILL'));

  it('hosts the app, whose events arrive in its projection, and ends at Ctrl-C', { timeout: 90_000 }, async () => {
    const { child, ended, out } = dev('app.ts');
    await Promise.race([ended, vi.waitFor(() => expect(out()).toMatch(/\n$/), { timeout: 60_000, interval: 50 })]);
    if (child.exitCode !== null) throw new Error((await ended).err);
    const { endpoint, region, stacks } = JSON.parse(out());
    const { DaybookEventsTableName, DaybookProjectionsTableName } = stacks.Shop.outputs;
    const tables = [DaybookEventsTableName, DaybookProjectionsTableName];
    const placed = await run(project, ['node', '--import', 'tsx', 'place-order.ts', ...tables], {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    });
    expect(JSON.parse(placed)).toEqual({ total: 42 });
    child.kill('SIGINT');
    const { code, err } = await ended;
    expect(err).not.toMatch(/^runtime:/m); // functions' log lines are there, the runtime's own defects are not
    expect(code).toBe(0);
    expect(existsSync(join(project, '.daybook/dev.json'))).toBe(false);
  });

  it.each(['jsonata', '@duckdb/node-api'])('says so when %s is left out', { timeout: 60_000 }, async (name) => {
    const place = join(project, 'node_modules', name);
    renameSync(place, `${place}-away`);
    const { code, out, err } = await dev('cdk.out').ended.finally(() => renameSync(`${place}-away`, place));
    expect(err).toMatch(new RegExp(`^[a-z]+\\.missingPackage: .*${name}.*npm install ${name}`));
    expect(out).toBe('');
    expect(code).toBe(1);
  });
});

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Json } from '../cloud.ts';
import { HostError } from './errors.ts';

export interface Synthesized {
  /** The cloud assembly's folder. */
  readonly directory: string;
  /** Where the app lies: its packages are looked up from there. */
  readonly appDirectory: string;
  /** Removes the folder, if it was made here. */
  dispose(): void;
}

/**
 * A cloud assembly of a CDK app.
 *
 * @param app a file (.ts, .js, .mjs), which is run as the CDK CLI runs it; a folder with a manifest.json, which is taken
 * as it is; or undefined for the "app" command of the cdk.json in the working directory.
 */
export async function synthesize(app?: string): Promise<Synthesized> {
  if (app !== undefined && existsSync(app) && statSync(app).isDirectory()) {
    return { directory: resolve(app), appDirectory: process.cwd(), dispose() {} };
  }
  const config = readConfig(process.cwd());
  const output = app === undefined ? config.app : undefined; // "app" may name a folder that is synthesized already
  if (output !== undefined && existsSync(join(output, 'manifest.json')))
    return { directory: resolve(output), appDirectory: process.cwd(), dispose() {} };
  const [command, args, shell] = app === undefined ? commandOf(config) : runOf(resolve(app));
  const directory = mkdtempSync(join(tmpdir(), 'daybook-synth-'));
  const dispose = () => rmSync(directory, { recursive: true, force: true });
  try {
    await run(command, args, shell, directory, config.context ?? {});
  } catch (error) {
    dispose();
    throw error;
  }
  if (!existsSync(join(directory, 'manifest.json'))) {
    dispose();
    const output =
      app !== undefined && isDefinition(app)
        ? 'It makes no CDK app: dev takes the CDK app, not the module that exports defineApp.'
        : 'It ended without writing a cloud assembly: does it create an App, and call app.synth() at its end?';
    throw new HostError('local.synthFailed', { command: [command, ...args].join(' '), output });
  }
  const appDirectory = app === undefined ? process.cwd() : dirname(resolve(app));
  return { directory, appDirectory, dispose };
}

/** A module of an app's aggregates and projections, which has nothing of the CDK in it. */
function isDefinition(file: string): boolean {
  const source = readFileSync(file, 'utf8');
  return /\bdefineApp\(/.test(source) && !source.includes('aws-cdk-lib');
}

function readConfig(directory: string): { app?: string; context?: Json } {
  const file = join(directory, 'cdk.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

function commandOf(config: { app?: string }): [command: string, args: string[], shell: boolean] {
  if (typeof config.app !== 'string') throw new HostError('local.noApp', { directory: process.cwd() });
  return [config.app, [], true];
}

const SOURCE = 'daybook-source';

function runOf(app: string): [command: string, args: string[], shell: boolean] {
  if (!existsSync(app)) throw new HostError('local.noFile', { file: app });
  // Inside the repository `import 'daybook'` means its sources; the condition comes as one argument or as two.
  const inRepository = process.execArgv.some((flag) => flag.endsWith(SOURCE)) ? [`--conditions=${SOURCE}`] : [];
  const loader = extname(app) === '.ts' || extname(app) === '.mts' ? ['--import', tsxFor(app)] : [];
  return [process.execPath, [...inRepository, ...loader, app], false];
}

/** The project's own tsx. */
function tsxFor(app: string): string {
  try {
    return pathToFileURL(createRequire(join(dirname(app), 'x.js')).resolve('tsx')).href;
  } catch (cause) {
    throw new HostError('local.noTsx', { app }, { cause });
  }
}

/** The CDK CLI tells the app by these variables where to write and what cdk.json's context is. */
function run(command: string, args: string[], shell: boolean, directory: string, context: Json): Promise<void> {
  const env = {
    ...process.env,
    CDK_OUTDIR: directory,
    CDK_CONTEXT_JSON: JSON.stringify({
      'aws:cdk:enable-path-metadata': true,
      'aws:cdk:enable-asset-metadata': true,
      'daybook:local': true, // constructs leave out what only AWS's machines need
      ...context,
    }),
    // The library's check of templates against CloudFormation's rules takes seconds; it is for a deploy, by `cdk synth`.
    CDK_VALIDATION: process.env.CDK_VALIDATION ?? 'false',
    NODE_NO_WARNINGS: '1',
  };
  return new Promise((done, failed) => {
    const child = spawn(command, args, { shell, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    const keep = (chunk: Buffer) => output.push(chunk.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const fail = (reason: string) => {
      const text = [...output, reason].join('').trim();
      failed(new HostError('local.synthFailed', { command: [command, ...args].join(' '), output: text.slice(-4000) }));
    };
    child.on('error', (error) => fail(error.message));
    child.on('close', (code) => (code === 0 ? done() : fail(`exit code ${code}`)));
  });
}

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../../local/cloud.ts';
import { credentialsFor } from '../../../local/lambda/credentials.ts';
import { hostLambda, until } from './hosted-lambda.ts';

const app = mkdtempSync(join(tmpdir(), 'daybook-app-'));
mkdirSync(join(app, 'node_modules/native'), { recursive: true });
writeFileSync(join(app, 'node_modules/native/package.json'), '{"name":"native","main":"index.js"}');
writeFileSync(join(app, 'node_modules/native/index.js'), 'exports.built = "for this machine";');

const hosted = hostLambda({ appDirectory: app });
const { define, invoke, lambda, cloud, logs } = hosted;
afterAll(() => hosted.stop());

describe('handlers', () => {
  it('runs an ES module, a CommonJS module and a nested export', async () => {
    const esm = await define('export const handler = async (event) => ({ twice: event.n * 2 });');
    const cjs = await define({ 'index.js': 'exports.handler = async (event) => event.n + 1;' });
    const nested = await define(
      { 'src/app.cjs': 'exports.api = { get: (event, context, callback) => callback(null, event.n - 1) };' },
      { Handler: 'src/app.api.get' },
    );
    expect(await invoke(esm, { n: 4 })).toMatchObject({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      body: { twice: 8 },
    });
    expect((await invoke(cjs, { n: 4 })).body).toBe(5);
    expect((await invoke(nested, { n: 4 })).body).toBe(3);
  });

  it('takes index.js as a module when package.json says so', async () => {
    const name = await define({
      'package.json': '{"type":"module"}',
      'index.js': 'export const handler = async () => import.meta.url.endsWith("index.js");',
    });
    expect((await invoke(name)).body).toBe(true);
  });

  it('answers null when the handler neither returns a promise nor calls back, and waits for timers before a callback', async () => {
    const silent = await define({ 'index.js': 'exports.handler = () => { setTimeout(() => {}, 20); };' });
    const waits = await define({
      'index.js': `exports.handler = (event, context, callback) => {
        const seen = [];
        setTimeout(() => seen.push('timer'), 30);
        callback(null, seen);
      };`,
    });
    expect((await invoke(silent)).body).toBeNull();
    expect((await invoke(waits)).body).toEqual(['timer']);
  });

  it('refuses callbacks on nodejs24.x', async () => {
    const name = await define('export const handler = (event, context, callback) => callback();', {
      Runtime: 'nodejs24.x',
    });
    expect((await invoke(name)).body.errorType).toBe('Runtime.CallbackHandlerDeprecated');
  });

  it('keeps a warm environment between invocations', async () => {
    const name = await define('let n = 0; export const handler = async () => ++n;');
    expect([(await invoke(name)).body, (await invoke(name)).body]).toEqual([1, 2]);
    expect(lambda.environments(name)).toBe(1);
  });
});

describe('the environment', () => {
  it('has the variables and the context of Lambda, and nothing of the host', async () => {
    lambda.setEndpoint('http://127.0.0.1:4566');
    process.env.SECRET_OF_THE_HOST = 'x';
    const name = await define(
      'export const handler = async (event, context) => ({ env: process.env, context, left: context.getRemainingTimeInMillis(), args: process.execArgv });',
      { Environment: { Variables: { TABLE: 'events' } }, MemorySize: 256, Timeout: 7 },
    );
    const { body } = await invoke(name);
    const { accessKeyId } = credentialsFor('arn:aws:iam::000000000000:role/app');
    expect(accessKeyId).toMatch(/^DBK[0-9A-F]{17}$/);
    expect(body.env).toMatchObject({
      TABLE: 'events',
      AWS_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_ACCESS_KEY_ID: accessKeyId,
      _HANDLER: 'index.handler',
    });
    expect(body.env).not.toHaveProperty('SECRET_OF_THE_HOST');
    expect(body.args).toEqual([]);
    expect(body.context).toMatchObject({
      functionName: name,
      functionVersion: '$LATEST',
      invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      memoryLimitInMB: '256',
      logGroupName: `/aws/lambda/${name}`,
    });
    expect(body.left).toBeGreaterThan(6000);
    expect(body.left).toBeLessThanOrEqual(7000);
  });

  it('finds the SDK and the packages of layers, and no other package of the host', async () => {
    const layer = mkdtempSync(join(tmpdir(), 'daybook-layer-'));
    for (const name of ['native', 'only-in-layer']) {
      mkdirSync(join(layer, 'nodejs/node_modules', name), { recursive: true });
      writeFileSync(join(layer, 'nodejs/node_modules', name, 'index.js'), 'exports.built = "for Lambda";');
    }
    const { LayerVersionArn } = await cloud.call(ROOT, 'lambda', 'PublishLayerVersion', {
      LayerName: 'native',
      Content: { LocalFolder: layer },
    });
    const code = `
      import native from 'native';
      import other from 'only-in-layer';
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      export const handler = async () => [native.built, require('native').built, other.built, typeof require('@aws-sdk/client-sqs').SQSClient,
        await import('zod').then(() => 'found', (error) => error.code)];`;
    const name = await define(code, { Layers: [LayerVersionArn] });
    expect((await invoke(name)).body).toEqual([
      'for this machine',
      'for this machine',
      'for Lambda',
      'function',
      'ERR_MODULE_NOT_FOUND',
    ]);
    const without = await define({ 'index.js': 'require("native"); exports.handler = async () => 1;' });
    const failure = await invoke(without);
    expect(failure.FunctionError).toBe('Unhandled');
    expect(failure.body).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
    expect(failure.body.errorMessage).toContain("Cannot find module 'native'");
  });

  it('ends an idle environment', async () => {
    const short = hostLambda({ idleMs: 400 });
    const name = await short.define('export const handler = async () => 1;');
    await short.invoke(name);
    expect(short.lambda.environments(name)).toBe(1);
    await until(() => short.lambda.environments(name) === 0);
    expect((await short.invoke(name)).body).toBe(1);
    await short.stop();
  });

  it('waits for a warm environment before it starts more than the machine has cores for, but not for ever', async () => {
    const cores = Math.max(2, availableParallelism());
    const name = await define(
      'let n = 0; export const handler = async (event) => { await new Promise((r) => setTimeout(r, event.ms)); return ++n; };',
    );
    const many = Array.from({ length: cores + 3 }, () => invoke(name, { ms: 50 }));
    await Promise.all(many);
    expect(lambda.environments(name)).toBe(cores);
    await Promise.all(Array.from({ length: cores + 1 }, () => invoke(name, { ms: 2000 })));
    expect(lambda.environments(name)).toBe(cores + 1);
  });

  it('starts no more while those that there are have their hands full', async () => {
    const cores = Math.max(2, availableParallelism());
    const name = await define(
      'export const handler = async () => { const end = Date.now() + 1500; while (Date.now() < end); return 1; };',
    );
    await Promise.all(Array.from({ length: cores * 2 }, () => invoke(name)));
    expect(lambda.environments(name)).toBe(cores);
  });

  it('runs at most so many at once, and the others wait', async () => {
    const narrow = hostLambda({ maxEnvironments: 2 });
    const name = await narrow.define(
      'let n = 0; export const handler = async () => { await new Promise((r) => setTimeout(r, 30)); return ++n; };',
    );
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => narrow.invoke(name)));
    expect(narrow.lambda.environments(name)).toBe(2);
    expect(answers.filter((answer) => answer.body === 1).length).toBe(2);
    await narrow.stop();
  });
});

describe('failures', () => {
  it('reports a thrown error with its type and trace', async () => {
    const name = await define(
      'class OutOfCoffee extends Error { name = "OutOfCoffee" }; export const handler = async () => { throw new OutOfCoffee("no beans"); };',
    );
    const { FunctionError, body } = await invoke(name);
    expect(FunctionError).toBe('Unhandled');
    expect(body).toMatchObject({ errorType: 'OutOfCoffee', errorMessage: 'no beans' });
    expect(body.trace[0]).toBe('OutOfCoffee: no beans');
  });

  it('kills what runs longer than the timeout, keeps its logs, and starts anew', async () => {
    const name = await define(
      'export const handler = async (event) => { console.log("before"); while (event.spin) {} return "ok"; };',
      { Timeout: 1 },
    );
    const { FunctionError, body } = await invoke(name, { spin: true });
    expect(FunctionError).toBe('Unhandled');
    expect(body.errorType).toBe('Sandbox.Timedout');
    expect(body.errorMessage).toMatch(/^RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds$/);
    expect(logs.filter((entry) => entry.functionName === name).map((entry) => entry.text)).toEqual(['before']);
    expect((await invoke(name)).body).toBe('ok');
  });

  it('reports the end of the process, an uncaught error and an unhandled rejection', async () => {
    const name = await define(`export const handler = (event) => new Promise(() => {
      setTimeout(() => {
        if (event.how === 'exit') process.exit(3);
        if (event.how === 'throw') throw new TypeError('later');
        Promise.reject(new Error('nobody'));
      }, 1);
    });`);
    const exit = (await invoke(name, { how: 'exit' })).body;
    expect(exit.errorType).toBe('Runtime.ExitError');
    expect(exit.errorMessage).toMatch(/^RequestId: .* Error: Runtime exited with error: exit status 3$/);
    expect((await invoke(name, { how: 'throw' })).body).toMatchObject({
      errorType: 'TypeError',
      errorMessage: 'later',
    });
    expect((await invoke(name, { how: 'reject' })).body).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'Error: nobody',
    });
  });

  it('names a missing handler, a bad name and broken code', async () => {
    const code = 'export const other = 1;';
    expect((await invoke(await define(code))).body).toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
      errorMessage: 'index.handler is undefined or not exported',
    });
    expect((await invoke(await define(code, { Handler: 'index' }))).body.errorType).toBe(
      'Runtime.MalformedHandlerName',
    );
    expect((await invoke(await define({ 'index.js': 'exports.handler = (' }))).body.errorType).toBe(
      'Runtime.UserCodeSyntaxError',
    );
  });

  it('ends a function that uses more memory than it has', async () => {
    const name = await define(
      'export const handler = async () => { const all = []; for (;;) all.push(new Array(1e5).fill({})); };',
      { Timeout: 20 },
    );
    const { body } = await invoke(name);
    expect(body.errorType).toBe('Runtime.ExitError');
    expect(body.errorMessage).toContain('signal: killed');
  });

  it('refuses an answer beyond 6 MB', async () => {
    const name = await define('export const handler = async (event) => "x".repeat(event.size);');
    expect((await invoke(name, { size: 6_291_000 })).FunctionError).toBeUndefined();
    expect((await invoke(name, { size: 6_300_000 })).body.errorType).toBe('Function.ResponseSizeTooLarge');
  });
});

describe('logs', () => {
  it('keeps every line with its level, and counts embedded metrics', async () => {
    const metric = {
      _aws: {
        Timestamp: 0,
        CloudWatchMetrics: [
          { Namespace: 'Daybook', Dimensions: [['service']], Metrics: [{ Name: 'fed', Unit: 'Count' }] },
        ],
      },
      service: 'feed',
      fed: 3,
    };
    const name = await define(`export const handler = async () => {
      console.log('one', { a: 1 });
      console.warn('two\\nlines');
      process.stdout.write('par');
      process.stdout.write('tial\\n');
      console.log(${JSON.stringify(JSON.stringify(metric))});
      process.stderr.write('unfinished');
    };`);
    const { LogResult } = await invoke(name, {}, { LogType: 'Tail' });
    await invoke(name);
    const lines = logs.filter((entry) => entry.functionName === name).slice(0, 5);
    expect(lines.map((entry) => [entry.level, entry.text])).toEqual([
      ['INFO', 'one { a: 1 }'],
      ['WARN', 'two\nlines'],
      ['INFO', 'partial'],
      ['INFO', JSON.stringify(metric)],
      ['ERROR', 'unfinished'],
    ]);
    expect(Buffer.from(LogResult, 'base64').toString()).toMatch(/^START RequestId: [\s\S]*partial[\s\S]*END RequestId/);
    expect(lambda.metrics().sum('fed', { service: 'feed' })).toBe(6);
    expect(lambda.metrics().sum('Invocations', { FunctionName: name })).toBe(2);
  });
});

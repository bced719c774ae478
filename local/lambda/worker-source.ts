/**
 * What runs inside an execution environment's worker thread, after AWS's own Node.js runtime interface client
 * (`UserFunction.js`, `Runtime.js`, `Errors.js`, `CallbackContext.js`).
 *
 * It is a string, not a module: it runs the same from TypeScript sources and from built JavaScript, and no loader of the
 * process that hosts it (tsx, vitest) gets into the user's bundle. CommonJS, because that is what an eval worker is.
 *
 * Parent → worker: `{ event, context, timeoutMs }`. Worker → parent: `ready`, `initError`, `log`, `result`, `error`, `crash`.
 */
export const WORKER_SOURCE = String.raw`'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { format } = require('node:util');
const path = require('node:path');
const fs = require('node:fs');

let current; // the running invocation: at most one, as in a real execution environment
let level;
const post = (message) => parentPort.postMessage(message);

// ---- logs: one write is one log event; what has no line end yet waits for it, or for the end of the invocation
const partial = { INFO: '', ERROR: '' };
const log = (logLevel, text) => post({ type: 'log', level: logLevel, text });
const flushLogs = () => {
  for (const name of Object.keys(partial)) {
    if (partial[name] !== '') log(name, partial[name]);
    partial[name] = '';
  }
};
const capture = (stream, streamLevel) => {
  stream.write = (chunk, encoding, callback) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    const whole = partial[streamLevel] + text;
    const end = whole.lastIndexOf('\n');
    if (end >= 0) log(level ?? streamLevel, whole.slice(0, end));
    partial[streamLevel] = whole.slice(end + 1);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
};
capture(process.stdout, 'INFO');
capture(process.stderr, 'ERROR');
for (const [method, name] of [['trace', 'TRACE'], ['debug', 'DEBUG'], ['log', 'INFO'], ['info', 'INFO'], ['warn', 'WARN'], ['error', 'ERROR']]) {
  console[method] = (...values) => log(name, format(...values));
}

// ---- errors
class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}
const isError = (value) =>
  value !== null && typeof value === 'object' && value.name !== undefined && value.message !== undefined && value.stack !== undefined;
const shape = (error) => {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
  } catch {
    return { errorType: 'handled', errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack' };
  }
};

// ---- loading the handler
const typeIsModule = (folder, root) => {
  for (let at = folder; at.length >= root.length; at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
    if (at === path.dirname(at)) break;
  }
  return false;
};
const loadModule = async (root, folder, name) => {
  const base = path.resolve(root, folder, name);
  const require_ = createRequire(path.join(root, 'index.js'));
  if (fs.existsSync(base) && fs.statSync(base).isFile()) return require_(base);
  if (fs.existsSync(base + '.js')) {
    return typeIsModule(path.dirname(base), root) ? await import(pathToFileURL(base + '.js').href) : require_(base + '.js');
  }
  if (fs.existsSync(base + '.mjs')) return await import(pathToFileURL(base + '.mjs').href);
  if (fs.existsSync(base + '.cjs')) return require_(base + '.cjs');
  return require_(require_.resolve(name, { paths: [root, path.join(root, folder)] }));
};
const loadHandler = async () => {
  const text = workerData.handler;
  if (text.includes('..')) {
    throw new RuntimeError('Runtime.MalformedHandlerName', "'" + text + "' is not a valid handler name. Use absolute paths when specifying root directories in handler names.");
  }
  const file = path.basename(text);
  const match = /^([^.]*)\.(.*)$/.exec(file);
  if (match === null) throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  let loaded;
  try {
    loaded = await loadModule(workerData.taskRoot, text.slice(0, text.length - file.length), match[1]);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('Runtime.UserCodeSyntaxError', String(error));
    if (error?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('Runtime.ImportModuleError', String(error));
    throw error;
  }
  let handler = loaded;
  for (const key of match[2].split('.')) handler = handler?.[key];
  if (handler === undefined) throw new RuntimeError('Runtime.HandlerNotFound', text + ' is undefined or not exported');
  if (typeof handler !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', text + ' is not a function');
  if (workerData.withoutCallbacks && handler.length >= 3) {
    throw new RuntimeError('Runtime.CallbackHandlerDeprecated', 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.');
  }
  return handler;
};

// ---- invocations
const finish = (message) => {
  if (current === undefined) return;
  current = undefined;
  parentPort.ref();
  flushLogs();
  post(message);
};
const fail = (error) => finish({ type: 'error', error: shape(error) });
const succeed = (value) => {
  let payload;
  try {
    payload = JSON.stringify(value === undefined ? null : value) ?? 'null';
  } catch {
    return fail(new Error('Unable to stringify response body'));
  }
  finish({ type: 'result', payload });
};
// The loop is empty and nobody answered: a callback's answer that waited for this, or null, as Lambda answers.
process.on('beforeExit', () => {
  if (current === undefined) return;
  if (current.waiting === undefined) succeed(null);
  else current.waiting();
});
const invoke = (handler, message) => {
  const invocation = (current = { waiting: undefined });
  parentPort.unref();
  const deadline = Date.now() + message.timeoutMs;
  const whenEmpty = (answer) => {
    if (current !== invocation) return;
    if (context.callbackWaitsForEmptyEventLoop) invocation.waiting ??= answer;
    else answer();
  };
  const callback = (error, value) => whenEmpty(() => (error === undefined || error === null ? succeed(value) : fail(error)));
  const context = {
    ...message.context,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: (error, value) => callback(error, value),
    succeed: (value) => callback(undefined, value),
    fail: (error) => callback(error ?? 'handled'),
  };
  try {
    const result = handler(JSON.parse(message.event), context, workerData.withoutCallbacks ? undefined : callback);
    if (typeof result?.then === 'function') {
      result.then(
        (value) => current === invocation && succeed(value),
        (error) => current === invocation && fail(error),
      );
    }
  } catch (error) {
    fail(error);
  }
};

const crash = (error, code) => {
  flushLogs();
  post({ type: 'crash', error });
  process.exit(code);
};
process.on('uncaughtException', (error) => crash(shape(error), 129));
process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason));
  crash({ ...shape(error), reason: shape(reason), promise: {} }, 128);
});
process.on('exit', flushLogs);

loadHandler().then(
  (handler) => {
    parentPort.on('message', (message) => invoke(handler, message));
    post({ type: 'ready' });
  },
  (error) => {
    flushLogs();
    post({ type: 'initError', error: shape(error) });
    process.exit(1);
  },
);
`;

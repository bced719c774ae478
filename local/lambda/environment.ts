import { Worker } from 'node:worker_threads';
import type { Kernel, Timer } from '../kernel/kernel.ts';
import {
  type ExecutionRequest,
  type ExecutionResult,
  exited,
  type LogLine,
  outOfMemory,
  timedOut,
} from './execution.ts';
import { WORKER_SOURCE } from './worker-source.ts';

/** A warm place that runs one invocation at a time: one worker thread. */
export interface ExecutionEnvironment {
  run(request: ExecutionRequest, log: (line: LogLine) => void): Promise<ExecutionResult>;
  /** False once it has crashed, timed out or was ended: it is not used again. */
  readonly alive: boolean;
  /** What part of the time since the last call of this its thread was at work rather than waiting, in [0, 1]. */
  utilization(): number;
  end(): Promise<void>;
}

export interface EnvironmentSettings {
  readonly taskRoot: string;
  readonly handler: string;
  readonly runtime: string;
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, string>>;
}

// "The Init phase is limited to 10 seconds" (Lambda developer guide, execution environment lifecycle).
const INIT_LIMIT_MS = 10_000;

/** Starts a worker thread that loads the handler; the first invocation waits for it: the cold start. */
export function startEnvironment(kernel: Kernel, settings: EnvironmentSettings): ExecutionEnvironment {
  const worker = new Worker(WORKER_SOURCE, {
    eval: true,
    execArgv: [], // none of the host's loaders or conditions
    env: { ...settings.variables },
    stdout: true, // the worker's own writes are captured inside it; nothing may reach the host's terminal
    stderr: true,
    workerData: {
      taskRoot: settings.taskRoot,
      handler: settings.handler,
      // "Starting with Node.js 24, Lambda no longer supports callback-based function handlers."
      withoutCallbacks: Number(/^nodejs(\d+)/.exec(settings.runtime)?.[1] ?? 0) >= 24,
    },
    // Loosely the function's memory: V8's heap only. Buffers and native memory, which Lambda counts too, are not limited.
    resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb },
  });

  let alive = true;
  let used = worker.performance.eventLoopUtilization();
  let initError: string | undefined;
  let running:
    | { requestId: string; settle: (result: ExecutionResult) => void; log: (line: LogLine) => void }
    | undefined;
  const early: LogLine[] = []; // logged while the module loaded: they belong to the first invocation
  let memoryGone = false;
  let whenReady: (ready: boolean) => void = () => {};
  const ready = new Promise<boolean>((resolve) => {
    whenReady = resolve;
  });

  worker.on('message', (message: { type: string; level: string; text: string; payload: string; error: unknown }) => {
    switch (message.type) {
      case 'log':
        if (running === undefined) early.push({ level: message.level, text: message.text });
        else running.log({ level: message.level, text: message.text });
        return;
      case 'ready':
        return whenReady(true);
      case 'initError':
        initError = JSON.stringify(message.error);
        return whenReady(false);
      case 'result':
        return running?.settle({ failed: false, payload: message.payload });
      case 'error':
        return running?.settle({ failed: true, payload: JSON.stringify(message.error) });
      case 'crash':
        alive = false;
        return running?.settle({ failed: true, payload: JSON.stringify(message.error) });
    }
  });
  worker.on('error', (error: Error & { code?: string }) => {
    alive = false;
    memoryGone = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    initError ??= JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] });
  });
  const gone = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      alive = false;
      whenReady(false);
      if (running !== undefined) {
        if (memoryGone) running.settle(outOfMemory(running.requestId));
        else if (initError !== undefined) running.settle({ failed: true, payload: initError });
        else running.settle(exited(running.requestId, code));
      }
      resolve();
    });
  });
  const end = async () => {
    alive = false;
    await worker.terminate();
    await gone;
  };

  return {
    get alive() {
      return alive;
    },
    utilization() {
      const before = used;
      used = worker.performance.eventLoopUtilization();
      return worker.performance.eventLoopUtilization(used, before).utilization;
    },
    end,
    async run(request, log) {
      let timer: Timer | undefined;
      const result = await new Promise<ExecutionResult>((settle) => {
        running = { requestId: request.requestId, settle, log };
        for (const line of early.splice(0)) log(line);
        const limit = (ms: number) => {
          timer?.cancel();
          timer = kernel.scheduler.after(ms, () => {
            alive = false;
            settle(timedOut(request.requestId, ms));
          });
        };
        limit(INIT_LIMIT_MS);
        ready.then((loaded) => {
          if (!loaded) return; // the thread is ending, and its exit gives the answer
          limit(request.timeoutMs);
          worker.postMessage({ event: request.event, context: request.context, timeoutMs: request.timeoutMs });
        });
      });
      timer?.cancel();
      if (!alive) await end(); // what was logged before is delivered until the thread is gone
      running = undefined;
      return result;
    },
  };
}

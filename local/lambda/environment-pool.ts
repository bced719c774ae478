import { performance } from 'node:perf_hooks';
import type { Kernel, Timer } from '../kernel/kernel.ts';
import type { ExecutionEnvironment } from './environment.ts';
import type { ExecutionRequest, ExecutionResult, LogLine } from './execution.ts';

/** The warm environments of one function version. */
export interface EnvironmentPool {
  run(request: ExecutionRequest, log: (line: LogLine) => void): Promise<ExecutionResult>;
  /** How many environments there are now. */
  readonly size: number;
  end(): Promise<void>;
}

export interface PoolSettings {
  /** How many threads at most; an invocation beyond waits for one, since this machine is no region. */
  readonly maximum: number;
  /**
   * Beyond so many, an invocation first waits a while for one that is warm: threads beyond the machine's cores bring nothing,
   * and each costs a start and its own compilation of the same code.
   */
  readonly enough: number;
  /** An environment that nobody used for so long ends, for its memory. */
  readonly idleMs: number;
  start(): ExecutionEnvironment;
}

/** About what a cold start takes anyway. */
const PATIENCE_MS = 1000;
/** While the threads there are have their hands full, another would only take from them. */
const LONGEST_PATIENCE_MS = 10_000;
const SATURATED = 0.5;

interface Idle {
  readonly environment: ExecutionEnvironment;
  readonly timer: Timer;
}

export function createEnvironmentPool(kernel: Kernel, settings: PoolSettings): EnvironmentPool {
  const all = new Set<ExecutionEnvironment>();
  const idle: Idle[] = [];
  const waiting: (() => void)[] = [];
  let host = performance.eventLoopUtilization();

  const end = async (environment: ExecutionEnvironment) => {
    await environment.end();
    all.delete(environment);
    waiting.shift()?.();
  };
  /** Until one may be free; at most `limitMs`. */
  const another = (limitMs = Number.POSITIVE_INFINITY) =>
    new Promise<void>((resolve) => {
      let timer: Timer | undefined;
      const go = () => {
        timer?.cancel();
        resolve();
      };
      waiting.push(go);
      if (limitMs === Number.POSITIVE_INFINITY) return;
      timer = kernel.scheduler.after(limitMs, () => {
        const place = waiting.indexOf(go);
        if (place >= 0) waiting.splice(place, 1);
        resolve();
      });
    });
  /** Since the last call of this: is it work that holds the environments up, their own or this process's, or do they wait? */
  const isSaturated = (): boolean => {
    const before = host;
    host = performance.eventLoopUtilization();
    const ofHost = performance.eventLoopUtilization(host, before).utilization;
    const ofEach = [...all].map((environment) => environment.utilization());
    return Math.max(ofHost, ofEach.reduce((sum, one) => sum + one, 0) / ofEach.length) > SATURATED;
  };
  const acquire = async (): Promise<ExecutionEnvironment> => {
    const since = kernel.clock.now();
    let patient = true;
    for (;;) {
      const warm = idle.pop(); // the one used last, so that the others can end
      if (warm !== undefined) {
        warm.timer.cancel();
        if (warm.environment.alive) return warm.environment;
        all.delete(warm.environment);
        continue;
      }
      if (patient && all.size >= settings.enough && all.size < settings.maximum) {
        isSaturated();
        await another(PATIENCE_MS);
        const waited = kernel.clock.now() - since;
        patient = waited < PATIENCE_MS || (waited < LONGEST_PATIENCE_MS && isSaturated());
        continue;
      }
      if (all.size < settings.maximum) {
        const environment = settings.start();
        all.add(environment);
        return environment;
      }
      await another();
    }
  };
  const release = (environment: ExecutionEnvironment) => {
    if (!environment.alive) {
      all.delete(environment);
    } else {
      const entry: Idle = {
        environment,
        timer: kernel.scheduler.after(settings.idleMs, () => {
          idle.splice(idle.indexOf(entry), 1);
          return end(environment);
        }),
      };
      idle.push(entry);
    }
    waiting.shift()?.();
  };

  return {
    get size() {
      return all.size;
    },
    async run(request, log) {
      const environment = await acquire();
      try {
        return await environment.run(request, log);
      } finally {
        release(environment);
      }
    },
    async end() {
      for (const entry of idle.splice(0)) entry.timer.cancel();
      await Promise.all([...all].map(end));
    },
  };
}

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
  /** An environment that nobody used for so long ends, for its memory. */
  readonly idleMs: number;
  start(): ExecutionEnvironment;
}

interface Idle {
  readonly environment: ExecutionEnvironment;
  readonly timer: Timer;
}

export function createEnvironmentPool(kernel: Kernel, settings: PoolSettings): EnvironmentPool {
  const all = new Set<ExecutionEnvironment>();
  const idle: Idle[] = [];
  const waiting: (() => void)[] = [];

  const end = async (environment: ExecutionEnvironment) => {
    await environment.end();
    all.delete(environment);
    waiting.shift()?.();
  };
  const acquire = async (): Promise<ExecutionEnvironment> => {
    for (;;) {
      const warm = idle.pop(); // the one used last, so that the others can end
      if (warm !== undefined) {
        warm.timer.cancel();
        if (warm.environment.alive) return warm.environment;
        all.delete(warm.environment);
        continue;
      }
      if (all.size < settings.maximum) {
        const environment = settings.start();
        all.add(environment);
        return environment;
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
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

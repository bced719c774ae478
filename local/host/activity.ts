import type { Cloud, Json } from '../cloud.ts';
import type { Assembly } from './assembly.ts';

export interface Activity {
  /** The same cloud, its calls counted. */
  readonly cloud: Cloud;
  idle(): Promise<void>;
}

/** What pollers do all the time, without anything flowing. */
const POLLING = /^(Get|List|Describe|Head|Receive|Query|Scan|BatchGet|SubscribeToShard)/;

/** Readers are woken at once; this is what a batch may take from one call to the next. */
const PAUSE_MS = 500;

/** Watches calls, to tell when everything that was started has come to rest. */
export function watchActivity(inner: Cloud, assembly: Assembly): Activity {
  const { clock, scheduler } = inner.kernel;
  const quietMs = PAUSE_MS + longestWindowSeconds(assembly.stacks.map(({ template }) => template)) * 1000;
  let busy = 0;
  let last = clock.now();
  const cloud: Cloud = {
    ...inner,
    async call(caller, service, operation, input) {
      if (POLLING.test(operation)) return await inner.call(caller, service, operation, input);
      busy++;
      try {
        return await inner.call(caller, service, operation, input);
      } finally {
        busy--;
        last = clock.now();
      }
    },
  };
  return {
    cloud,
    async idle() {
      last = clock.now();
      for (;;) {
        const left = last + quietMs - clock.now();
        if (busy === 0 && left <= 0) return;
        await scheduler.sleep(Math.max(left, 20));
      }
    },
  };
}

/** The longest time that pipes and event source mappings of these templates gather a batch. */
function longestWindowSeconds(value: Json): number {
  if (value === null || typeof value !== 'object') return 0;
  let longest = 0;
  for (const [key, inner] of Object.entries(value)) {
    longest = Math.max(
      longest,
      key === 'MaximumBatchingWindowInSeconds' ? Number(inner) || 0 : longestWindowSeconds(inner),
    );
  }
  return longest;
}

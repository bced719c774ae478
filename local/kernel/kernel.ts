/** Time, chance and waiting: each core takes these three, so that the same code runs in real time and in seeded virtual time. */
export interface Kernel {
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A version 4 UUID. */
  uuid(): string;
  /** `length` characters of lower-case hex. */
  hex(length: number): string;
}

export interface Timer {
  cancel(): void;
}

export interface Scheduler {
  /** Runs `task` once, `delayMs` from now. A task's failure goes to the kernel's `onError`, never to nobody. */
  after(delayMs: number, task: () => unknown): Timer;
  sleep(delayMs: number): Promise<void>;
}

const HEX = '0123456789abcdef';

/** mulberry32: small, fast, and the same everywhere for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const hex = (length: number) => {
    let text = '';
    while (text.length < length) text += HEX[Math.floor(next() * 16)]!;
    return text;
  };
  const uuid = () => {
    const variant = '89ab'[Math.floor(next() * 4)];
    return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(12)}`;
  };
  return { next, uuid, hex };
}

/** Decides who goes on: whoever waits for a turn is let through one at a time, by the seed. */
export interface Turns {
  /** Waits for a turn, `ms` of virtual time from now at the earliest. */
  turn(ms?: number): Promise<void>;
  /** Virtual milliseconds. */
  now(): number;
  /** Lets them through until all work is done, and gives its first failure; also when somebody waits for something else for ever. */
  run(work: readonly Promise<unknown>[]): Promise<{ readonly reason: unknown } | undefined>;
}

interface Waiting {
  readonly due: number;
  readonly go: () => void;
}

/** What writers do beside the store may take real time; so long nobody asking for a turn means that they wait for ever. */
const IDLE_MS = 5000;

export function seededTurns(random: () => number): Turns {
  const waiting: Waiting[] = [];
  let now = 0;

  /** One of those whose time has come; time moves on to the first of them when there is none. */
  function next(): Waiting {
    let ready = waiting.filter(({ due }) => due <= now);
    if (ready.length === 0) {
      now = Math.min(...waiting.map(({ due }) => due));
      ready = waiting.filter(({ due }) => due <= now);
    }
    const chosen = ready[Math.floor(random() * ready.length)]!;
    waiting.splice(waiting.indexOf(chosen), 1);
    return chosen;
  }

  return {
    turn: (ms = 0) => new Promise((go) => waiting.push({ due: now + ms, go })),
    now: () => now,
    async run(work) {
      let ends: readonly PromiseSettledResult<unknown>[] | undefined;
      void Promise.allSettled(work).then((settled) => {
        ends = settled;
      });
      let idleSince: number | undefined;
      for (;;) {
        // What a turn lets run, runs until it waits again: every promise that can be settled is.
        await new Promise((resolve) => setImmediate(resolve));
        if (ends !== undefined) return ends.find((end) => end.status === 'rejected');
        if (waiting.length > 0) {
          idleSince = undefined;
          now += random() < 0.2 ? 1 : 0;
          next().go();
          continue;
        }
        idleSince ??= Date.now();
        // Something real is under way.
        if (Date.now() > idleSince) await new Promise((resolve) => setTimeout(resolve, 1));
        if (Date.now() - idleSince > IDLE_MS) return { reason: 'a writer waits for something that never comes' };
      }
    },
  };
}

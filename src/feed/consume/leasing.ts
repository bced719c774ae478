import '../errors.ts';
import { DaybookError } from '../../errors.ts';
import { type Backoff, type Pauses, pause } from '../../store/backoff.ts';
import type { PositionTable, Standing } from '../position-table.ts';

export interface LeasingPorts {
  readonly consumer: string;
  readonly positions: Pick<PositionTable, 'lease' | 'release'>;
  /** Different in each invocation. */
  readonly holder: string;
  readonly pauses: Pauses;
  readonly now: () => number;
  /** How long this invocation may still run. */
  readonly remainingMs: () => number;
}

/** Who acts on an aggregate: one invocation at a time, while it can still run and a while longer. */
export interface Leasing {
  /** Undefined where no lease is held. */
  holderOf(aggregate: string): string | undefined;
  /**
   * Takes the lease, or keeps the one that holds. Where it was taken, the answer is where the aggregate stands now. Fails with
   * `feed.aggregateBusy` while another has it, and with `feed.outOfTime` once this invocation's time is over, as that of a
   * process that was paused: nothing begins under a lease that may have ended. `after`: what is done.
   */
  hold(aggregate: string, after: number): Promise<Standing | undefined>;
  /** A move was refused: whether the lease is still held has to be asked again. */
  doubt(aggregate: string): void;
  /** The lease was given back with a move. */
  gaveBack(aggregate: string): void;
  /** An act is under way still when the invocation ends: nobody gives its lease back, it ends by itself. */
  leave(aggregate: string): void;
  /** May a move give the lease back? */
  mayEnd(aggregate: string): boolean;
  release(aggregate: string): Promise<void>;
}

/** Clocks of two machines differ by less, and so does the end of an invocation from what was said of it. */
export const LEASE_MARGIN_MS = 10_000;

/**
 * Another's lease is waited for, for half of this invocation's time and not beyond this: the batch comes again. It is worth waiting for: a
 * message that is given back is seen again only after its queue's visibility timeout, which is minutes.
 */
const PATIENCE_MS = 10_000;
const BUSY: Backoff = { attempts: 24, baseMs: 50, capMs: 1_000 };

/** A lease that stays keeps the aggregate from everyone until its time is up. */
const RELEASE: Backoff = { attempts: 3, baseMs: 50, capMs: 200 };

export function createLeasing({ consumer, positions, holder, pauses, now, remainingMs }: LeasingPorts): Leasing {
  const until = new Map<string, number>();
  const left = new Set<string>();
  const isOver = () => remainingMs() <= 0;
  return {
    holderOf: (aggregate) => (until.has(aggregate) ? holder : undefined),
    async hold(aggregate, after) {
      if (now() < (until.get(aggregate) ?? 0) - LEASE_MARGIN_MS) return undefined;
      until.delete(aggregate);
      const patient = now() + Math.min(PATIENCE_MS, remainingMs() / 2);
      for (let attempt = 1; ; attempt++) {
        const at = now();
        const lease = { consumer, aggregate, holder, until: at + remainingMs() + LEASE_MARGIN_MS, now: at };
        const standing = isOver() ? undefined : await positions.lease(lease);
        if (standing !== undefined) until.set(aggregate, lease.until);
        // Asked again: the call, too, takes its time.
        if (isOver()) throw new DaybookError('feed.outOfTime', { aggregate, after });
        if (standing !== undefined) return standing;
        if (attempt === BUSY.attempts || now() >= patient)
          throw new DaybookError('feed.aggregateBusy', { consumer, aggregate });
        await pause(BUSY, attempt, pauses);
      }
    },
    doubt(aggregate) {
      if (until.has(aggregate)) until.set(aggregate, 0);
    },
    gaveBack: (aggregate) => void until.delete(aggregate),
    leave: (aggregate) => void left.add(aggregate),
    mayEnd: (aggregate) => !left.has(aggregate),
    async release(aggregate) {
      if (!until.delete(aggregate) || left.has(aggregate)) return;
      for (let attempt = 1; attempt <= RELEASE.attempts; attempt++) {
        try {
          return await positions.release({ consumer, aggregate, holder });
        } catch {
          await pause(RELEASE, attempt, pauses);
        }
      }
      // It ends by itself; what failed before must not be hidden by this.
    },
  };
}

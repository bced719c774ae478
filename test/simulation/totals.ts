import { FAULT_NAMES, type Fault } from './plan.ts';
import type { RunResult } from './simulation.ts';

/** What all runs together came to. */
export interface Totals {
  add(result: RunResult): void;
  readonly summary: Summary;
}

export interface Summary {
  readonly runs: number;
  readonly failed: readonly number[];
  readonly events: number;
  readonly envelopes: number;
  /** Events on the feed beyond one for each. */
  readonly repeatsPerEvent: number;
  /** Bytes on the feed ÷ bytes of the events. */
  readonly bytesFedPerByte: number;
  readonly busRepeatsPerEvent: number;
  /** How often each fault struck. */
  readonly strikes: Readonly<Record<Fault, number>>;
}

export function createTotals(): Totals {
  const counts = new Map<string, number>();
  const failed: number[] = [];
  let runs = 0;
  const of = (what: string) => counts.get(what) ?? 0;
  const ratio = (a: string, b: string) => of(a) / Math.max(1, of(b));
  return {
    add({ seed, violations, counts: more }) {
      runs++;
      if (violations.length > 0) failed.push(seed);
      for (const [what, n] of more) counts.set(what, of(what) + n);
    },
    get summary() {
      return {
        runs,
        failed,
        events: of('appended'),
        envelopes: of('envelopes'),
        repeatsPerEvent: Math.max(0, ratio('eventsFed', 'appended') - 1),
        bytesFedPerByte: ratio('bytesFed', 'bytes'),
        busRepeatsPerEvent: ratio('busRepeats', 'eventsOnBus'),
        strikes: Object.fromEntries(FAULT_NAMES.map((fault) => [fault, of(fault)])) as Record<Fault, number>,
      };
    },
  };
}

/** The summary for a reader. */
export function tellTotals(summary: Summary): readonly string[] {
  const names = Object.entries(summary.strikes).map(([fault, n]) => `${fault} ${n}`);
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += 6) lines.push(`  ${names.slice(i, i + 6).join(', ')}`);
  return [
    `${summary.events} events, ${summary.envelopes} envelopes: ${summary.repeatsPerEvent.toFixed(2)} repeats per event on the feed, ` +
      `${summary.bytesFedPerByte.toFixed(2)} bytes fed per byte of an event, ${summary.busRepeatsPerEvent.toFixed(3)} repeats per event on the bus`,
    'strikes:',
    ...lines,
  ];
}

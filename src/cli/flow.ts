import { paint, type Terminal } from './terminal.ts';

/** A notice of something that flowed; see the embedded runtime's trace. */
export interface FlowEntry {
  readonly at: number;
  readonly service: string;
  readonly what: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

export interface Flow {
  show(entry: FlowEntry): void;
  log(line: string): void;
  start(): void;
  stop(): void;
}

const EVERY_MS = 200;

/** A live line for what flows; the like of one fifth of a second is one line with a count, so that an import can be watched. */
export function createFlow(terminal: Terminal): Flow {
  const waiting = new Map<string, { entry: FlowEntry; count: number }>();
  let timer: NodeJS.Timeout | undefined;
  const print = () => {
    for (const { entry, count } of waiting.values()) terminal.out(lineOf(terminal, entry, count));
    waiting.clear();
  };
  return {
    show(entry) {
      if (timer === undefined) return; // what is made at the start is listed already
      // Log lines are told apart; everything else by where and what.
      const key = entry.what === 'log' ? JSON.stringify(entry) : `${entry.service} ${entry.what} ${nameIn(entry)}`;
      const same = waiting.get(key);
      waiting.set(key, { entry, count: (same?.count ?? 0) + 1 });
    },
    log(line) {
      if (line.startsWith('runtime: ')) terminal.err(paint(terminal, 'red', line));
      if (line.startsWith('template: ')) terminal.out(paint(terminal, 'dim', line));
    },
    start() {
      timer = setInterval(print, EVERY_MS);
    },
    stop() {
      print();
      clearInterval(timer);
    },
  };
}

const nameIn = ({ detail }: FlowEntry) => Object.values(detail).find((value) => typeof value === 'string') ?? '';

function lineOf(terminal: Terminal, { at, service, what, detail }: FlowEntry, count: number): string {
  const time = new Date(at).toISOString().slice(11, 23);
  const details = Object.entries(what === 'log' ? { [String(detail.function)]: detail.line ?? '' } : detail)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\n', '⏎')}`)
    .join(' ');
  const times = count > 1 ? ` ×${count}` : '';
  const head = `${time} ${service.padEnd(10)} ${what}${times}`;
  const room = Math.max(20, terminal.columns - head.length - 2);
  const tail = details.length > room ? `${details.slice(0, room - 1)}…` : details;
  return `${paint(terminal, 'dim', time)} ${paint(terminal, 'cyan', service.padEnd(10))} ${what}${times} ${paint(terminal, 'dim', tail)}`;
}

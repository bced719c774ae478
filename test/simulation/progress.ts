/** Tells how far it is: a bar on a terminal, now and then a plain line in a log, nothing with `--json`. */
export interface Progress {
  at(done: number, note?: string): void;
  /** A line that stays. */
  line(text: string): void;
  end(): void;
}

const WIDTH = 30;
const EVERY_MS = 10_000;

export function createProgress(total: number, out: NodeJS.WriteStream, silent: boolean): Progress {
  let last = performance.now();
  const clear = () => void (out.isTTY && !silent && out.write('\r\x1b[K'));
  return {
    at(done, note = '') {
      if (silent) return;
      if (out.isTTY) {
        if (performance.now() - last < 100 && done < total) return;
        last = performance.now();
        const full = Math.round((done / total) * WIDTH);
        out.write(`\r\x1b[K[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${done} of ${total} ${note}`.trimEnd());
      } else if (performance.now() - last >= EVERY_MS) {
        last = performance.now();
        out.write(`${done} of ${total} ${note}`.trimEnd().concat('\n'));
      }
    },
    line(text) {
      if (silent) return;
      clear();
      out.write(`${text}\n`);
    },
    end: clear,
  };
}

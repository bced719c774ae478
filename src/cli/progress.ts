import type { Terminal } from './terminal.ts';

/** How far something is: on a terminal a line that is written over, in a log a line every few seconds. */
export interface Progress {
  /** `done` in [0, 1], undefined when nobody knows how much there is. */
  show(done: number | undefined, text: string): void;
  /** Takes the bar away. */
  end(): void;
}

const BAR = 24;
const TERMINAL_EVERY_MS = 100;
const LOG_EVERY_MS = 5000;

/** Progress on standard error, so that standard output holds only results. */
export function createProgress(
  terminal: Terminal,
  stream: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown } = process.stderr,
  now: () => number = Date.now,
): Progress {
  const live = stream.isTTY === true;
  let last = live ? 0 : now();
  let shown = false;
  return {
    show(done, text) {
      const at = now();
      if (at - last < (live ? TERMINAL_EVERY_MS : LOG_EVERY_MS)) return;
      last = at;
      const percent = done === undefined ? '' : `${Math.floor(done * 100)} % `.padStart(6);
      if (!live) {
        terminal.err(`${percent.trimStart()}${text}`);
        return;
      }
      const filled = Math.round((done ?? 0) * BAR);
      const bar = done === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} `;
      stream.write(
        `\r\u001b[2K${`${bar}${percent}${text}`.slice(0, Math.min(terminal.columns, stream.columns || 80) - 1)}`,
      );
      shown = true;
    },
    end() {
      if (shown) stream.write('\r\u001b[2K');
      shown = false;
    },
  };
}

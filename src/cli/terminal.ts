/** Where a command writes, and whether people read it there. */
export interface Terminal {
  /** Infinity where nobody looks at it: what is piped on or kept is not cut. */
  readonly columns: number;
  /** Do people read it, row by row? */
  readonly interactive?: boolean;
  /** Colours and progress bars only where they are wanted: on a terminal, without NO_COLOR. */
  readonly colored: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Resolves when what was written may be followed by more: whoever reads slowly is waited for, and nothing piles up. */
  drained?(): Promise<void>;
}

/** The process's own; see https://no-color.org. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) stream.on('error', endWithReader);
  return {
    // A terminal that nobody gave a size says 0.
    columns: stdout.isTTY === true && stdout.columns > 0 ? stdout.columns : Number.POSITIVE_INFINITY,
    interactive: stdout.isTTY === true,
    colored: stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    out: (text) => stdout.write(`${text}\n`),
    err: (text) => stderr.write(`${text}\n`),
    drained: () =>
      stdout.writableNeedDrain ? new Promise((resolve) => stdout.once('drain', resolve)) : Promise.resolve(),
  };
}

/** `daybook list | head -1`: who read has gone, which is no failure. A command that is at its end says its exit code first. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  setImmediate(() => process.exit());
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 };

/** Text in a colour or weight, where the terminal has them. */
export function paint(terminal: Terminal, style: keyof typeof CODES, text: string): string {
  return terminal.colored ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

/** Rows in columns as wide as their widest cell, two spaces between. */
export function columnsOf(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map((row) => (indent + row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).trimEnd());
}

/** Text to a width, with … where it was cut, and no half of a character. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return `${text.slice(0, Math.max(0, width - 1)).replace(/[\ud800-\udbff]$/, '')}…`;
}

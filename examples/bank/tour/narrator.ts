const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(1);

/** What the tour says, in colours where they are wanted (a terminal, no NO_COLOR; see https://no-color.org). */
export function narrator() {
  const colored = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  const paint = (code: number, text: string) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  return {
    scene(title: string) {
      say(`\n${paint(1, title)}  ${paint(2, `${seconds()} s`)}`);
    },
    line(text: string) {
      say(`  ${text}`);
    },
    quote(text: string) {
      say(`  ${paint(33, `“${text}”`)}`);
    },
    good(text: string) {
      say(`  ${paint(32, '✓')} ${text}`);
    },
    /** Rows in columns as wide as their widest cell. */
    table(rows: readonly (readonly string[])[]) {
      const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
      for (const row of rows)
        say(
          `    ${row
            .map((cell, i) => cell.padEnd(widths[i]!))
            .join('  ')
            .trimEnd()}`,
        );
    },
    /** A bar that redraws itself on a terminal; a line for each step elsewhere. */
    progress(label: string, done: number, of: number) {
      if (!colored) {
        say(`  ${label}: ${done} of ${of}`);
        return;
      }
      const width = 24;
      const full = of === 0 ? width : Math.round((done / of) * width);
      const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
      process.stdout.write(`\r  ${label} ${paint(36, bar)} ${done}/${of}${done === of ? '\n' : ''}`);
    },
    done() {
      say(`\n${paint(32, `Done after ${seconds()} s.`)}`);
    },
    invite(endpoint: string) {
      say(
        `\n${paint(1, 'It stays up')} at ${paint(36, endpoint)} until Ctrl-C. Try, in another terminal in this folder:`,
      );
      say('  npx daybook list --type Account');
      say('  npx daybook read account-bob');
      say('  npx daybook state account-bob --app examples/bank/app.ts --at 2026-11-16T23:00:00Z');
      say('Any AWS SDK or CLI works with these:');
      say(
        `  export AWS_ENDPOINT_URL=${endpoint} AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local`,
      );
    },
    failed(error: unknown) {
      process.stderr.write(
        `\n${paint(31, 'The tour failed')} after ${seconds()} s:\n${(error as Error)?.stack ?? String(error)}\n`,
      );
    },
  };
}

export type Narrator = ReturnType<typeof narrator>;

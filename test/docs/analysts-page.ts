import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A command of the guide to the archive, and what it is said to show: standard output and then standard error. */
export interface Shown {
  readonly args: readonly string[];
  readonly lines: readonly string[];
}

/** Every `$ npx daybook sql …` of the guide; a quoted argument may go over several lines, and the shell's `\$` is a `$`. */
export function shownCommands(): Shown[] {
  const guide = readFileSync(`${root}docs/analysts.md`, 'utf8');
  return [...guide.matchAll(/^```\n\$ npx daybook ((?:"(?:[^"\\]|\\.)*"|[^"\n])+)\n([\s\S]*?)^```$/gm)].map(
    ([, command = '', output = '']) => ({
      args: [...command.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
        quoted === undefined ? plain! : quoted.replaceAll('\\$', '$'),
      ),
      lines: output.trimEnd().split('\n'),
    }),
  );
}

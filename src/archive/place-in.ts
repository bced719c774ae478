/** The place that a reason names, `line 2:14`: that line of the query, and a mark below the place; nothing where it names none. */
export function placeIn(sql: string, reason: string): string {
  const [, line, column] = /\bline (\d+):(\d+)/.exec(reason) ?? [];
  const text = sql.split('\n')[Number(line) - 1];
  if (text === undefined || Number(column) > text.length + 1) return '';
  const from = Math.max(0, Number(column) - 1 - 70);
  const shown = text.slice(from, from + 140).replaceAll('\t', ' ');
  return `\n  ${shown}\n  ${' '.repeat(Number(column) - 1 - from)}^`;
}

import type { ResultRow } from './query-engine.ts';

/**
 * The rows of one of Athena's result files, in batches: every value in quotes, a null an empty place. A value that goes on
 * in the next chunk waits for it; nothing else is held.
 */
export async function* readResultCsv(chunks: AsyncIterable<Uint8Array>): AsyncIterable<readonly ResultRow[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    const { rows, end } = parseRows(text, false);
    text = text.slice(end);
    if (rows.length > 0) yield rows;
  }
  text += decoder.decode();
  const { rows } = parseRows(text, true);
  if (rows.length > 0) yield rows;
}

/** The rows that are there as a whole, and where the first one begins that is not. */
function parseRows(text: string, isLast: boolean): { rows: ResultRow[]; end: number } {
  const rows: ResultRow[] = [];
  let start = 0;
  while (start < text.length) {
    const row: (string | undefined)[] = [];
    let at = start;
    for (;;) {
      if (text[at] === '"') {
        const end = closingQuote(text, at + 1);
        // A quote at the very end may be the first half of a doubled one.
        if (end === -1 || (end === text.length - 1 && !isLast)) return { rows, end: start };
        const value = text.slice(at + 1, end);
        row.push(value.includes('"') ? value.replaceAll('""', '"') : value);
        at = end + 1;
      } else row.push(undefined);
      if (text[at] !== ',') break;
      at++;
    }
    if (at >= text.length && !isLast) return { rows, end: start };
    if (at < text.length && text[at] !== '\n') throw new Error(`Athena's result file has ${text.slice(at, at + 20)}`);
    rows.push(row);
    start = at + 1;
  }
  return { rows, end: start };
}

function closingQuote(text: string, from: number): number {
  for (let at = from; ; ) {
    const quote = text.indexOf('"', at);
    if (quote === -1 || text[quote + 1] !== '"') return quote;
    at = quote + 2;
  }
}

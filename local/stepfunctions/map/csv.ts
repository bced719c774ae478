/** Rows of fields, as RFC 4180 writes them; empty lines are skipped. */
export function parseCsv(text: string, delimiter: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  let wasQuoted = false;
  const endField = () => {
    row.push(field);
    field = '';
  };
  const endRow = () => {
    if (row.length > 0 || field !== '' || wasQuoted) {
      endField();
      rows.push(row);
    }
    row = [];
    wasQuoted = false;
  };
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  for (let i = 0; i < source.length; i++) {
    const character = source[i]!;
    if (quoted) {
      if (character !== '"') field += character;
      else if (source[i + 1] === '"') field += source[++i];
      else quoted = false;
    } else if (character === '"' && field === '') {
      quoted = true;
      wasQuoted = true;
    } else if (character === delimiter) endField();
    else if (character === '\n') endRow();
    else if (character !== '\r' || source[i + 1] !== '\n') field += character;
  }
  endRow();
  return rows;
}

/**
 * Each row as an object by header. "If a row has fewer values than headers, empty strings stand for the missing ones; values
 * beyond the headers are skipped."
 */
export function csvItems(
  text: string,
  { delimiter, headers }: { readonly delimiter: string; readonly headers: readonly string[] | undefined },
): readonly Record<string, string>[] {
  const rows = parseCsv(text, delimiter);
  const names = headers ?? rows[0] ?? [];
  return rows
    .slice(headers === undefined ? 1 : 0)
    .map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ''])));
}

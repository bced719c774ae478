/** A result row; `undefined` is null. */
export type CsvRow = readonly (string | undefined)[];

/** Athena's result files quote every value, and leave a null empty: `"a",,""`. */
export function writeCsvRow(row: CsvRow): string {
  return `${row.map((value) => (value === undefined ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`;
}

/** Up to `most` rows from a position of a result file on, and where the next one begins; `undefined` at the end. */
export function readCsv(
  text: string,
  from: number,
  most: number,
): { readonly rows: CsvRow[]; readonly next: number | undefined } {
  const rows: CsvRow[] = [];
  let at = from;
  while (at < text.length && rows.length < most) {
    const row: (string | undefined)[] = [];
    for (;;) {
      if (text[at] === '"') {
        let value = '';
        for (;;) {
          const quote = text.indexOf('"', at + 1);
          value += text.slice(at + 1, quote);
          at = quote + 1;
          if (text[at] !== '"') break;
          value += '"';
        }
        row.push(value);
      } else row.push(undefined);
      if (text[at] !== ',') break;
      at++;
    }
    at++;
    rows.push(row);
  }
  return { rows, next: at < text.length ? at : undefined };
}

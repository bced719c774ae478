import type { ResultColumn, ResultRow } from '../archive/query-engine.ts';
import { fitted, oneLine, widthOf } from './cells.ts';
import type { RowFormat } from './sql-formats.ts';
import { paint, type Terminal } from './terminal.ts';

/** So many rows are looked at before the columns get their widths. */
const LOOKED_AT = 500;
const GAP = 2;
/** A column of text is not made narrower than this, or than its widest cell. */
const NARROWEST = 8;
const NUMBERS = new Set(['tinyint', 'smallint', 'integer', 'int', 'bigint', 'float', 'real', 'double', 'decimal']);

const WHOLE = new Set(['date', 'timestamp', 'timestamp with time zone', 'time', 'boolean', 'uuid']);

const isCut = ({ type }: ResultColumn) => !NUMBERS.has(type) && !WHOLE.has(type);
const isNumber = ({ type }: ResultColumn) => NUMBERS.has(type);

/** A table for people: numbers to the right, as wide as the terminal; where not even cut columns fit, a line for each value. */
export function tableFormat(columns: readonly ResultColumn[], terminal: Terminal): RowFormat {
  let waiting: ResultRow[] | undefined = [];
  let widths: readonly number[] | undefined;
  let shown = 0;

  const layOut = () => {
    const rows = waiting ?? [];
    waiting = undefined;
    widths = widthsFor(columns, rows, terminal.columns);
    const head = widths === undefined || columns.length === 0 ? '' : headOf(columns, widths, terminal);
    return head + show(rows);
  };
  const show = (rows: readonly ResultRow[]) => {
    if (columns.length === 0) return '';
    const fixed = widths;
    if (fixed === undefined) return rows.map((row) => recordOf(columns, row, ++shown, terminal)).join('');
    return rows.map((row) => `${lineOf(columns, row, fixed, terminal)}\n`).join('');
  };
  return {
    rows(batch) {
      if (waiting === undefined) return show(batch);
      waiting.push(...batch);
      return waiting.length < LOOKED_AT ? '' : layOut();
    },
    end: () => (waiting === undefined ? '' : layOut()),
  };
}

/** As wide as what is in them; then the widest texts are cut until all fit: no number, no time. Undefined where that is not enough. */
function widthsFor(
  columns: readonly ResultColumn[],
  rows: readonly ResultRow[],
  room: number,
): readonly number[] | undefined {
  const widths = columns.map(({ name }, i) =>
    rows.reduce((widest, row) => Math.max(widest, widthOf(cellOf(row[i]))), widthOf(oneLine(name))),
  );
  const over = () => widths.reduce((sum, width) => sum + width, (columns.length - 1) * GAP) - room;
  while (over() > 0) {
    const cuttable = columns.map((column, i) => (isCut(column) && widths[i]! > NARROWEST ? widths[i]! : -1));
    const widest = Math.max(...cuttable);
    if (widest < 0) return undefined;
    const second = Math.max(NARROWEST, ...cuttable.filter((width) => width < widest));
    const alike = cuttable.filter((width) => width === widest).length;
    const less = Math.max(1, Math.min(widest - second, Math.ceil(over() / alike)));
    cuttable.forEach((width, i) => {
      if (width === widest) widths[i] = Math.max(NARROWEST, width - less);
    });
  }
  return widths;
}

const cellOf = (value: string | undefined) => (value === undefined ? 'NULL' : oneLine(value));
const alignOf = (column: ResultColumn) => (isNumber(column) ? 'right' : 'left');

function headOf(columns: readonly ResultColumn[], widths: readonly number[], terminal: Terminal): string {
  const names = columns.map((column, i) => fitted(oneLine(column.name), widths[i]!, alignOf(column)));
  const rule = widths.map((width) => '─'.repeat(width)).join(' '.repeat(GAP));
  const line = names.join(' '.repeat(GAP)).trimEnd();
  return `${paint(terminal, 'bold', line)}\n${paint(terminal, 'dim', rule)}\n`;
}

function lineOf(
  columns: readonly ResultColumn[],
  row: ResultRow,
  widths: readonly number[],
  terminal: Terminal,
): string {
  // Where nobody cuts, a cell may be wider than those that were looked at.
  const whole = terminal.columns === Number.POSITIVE_INFINITY;
  const cells = columns.map((column, i) => {
    const text = cellOf(row[i]);
    const last = i === columns.length - 1 && alignOf(column) === 'left';
    const width = whole ? Math.max(widths[i]!, widthOf(text)) : widths[i]!;
    const cell = fitted(text, width, alignOf(column));
    const trimmed = last ? cell.trimEnd() : cell;
    return row[i] === undefined ? paint(terminal, 'dim', trimmed) : trimmed;
  });
  return cells.join(' '.repeat(GAP));
}

function recordOf(columns: readonly ResultColumn[], row: ResultRow, number: number, terminal: Terminal): string {
  const names = columns.map(({ name }) => oneLine(name));
  const width = Math.min(Math.max(...names.map(widthOf)), 30);
  const room = Math.max(10, terminal.columns - width - GAP);
  const lines = names.map((name, i) => {
    const text = cellOf(row[i]);
    const value = fitted(text, Math.min(room, widthOf(text)), 'left');
    return `${fitted(name, width, 'left')}${' '.repeat(GAP)}${row[i] === undefined ? paint(terminal, 'dim', value) : value}`;
  });
  return `${paint(terminal, 'dim', `row ${number}`)}\n${lines.join('\n')}\n`;
}

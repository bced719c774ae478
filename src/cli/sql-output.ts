import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { QueryResult, ResultColumn } from '../archive/query-engine.ts';
import { csvFormat, jsonLinesFormat, type RowFormat } from './sql-formats.ts';
import { tableFormat } from './sql-table.ts';
import type { Terminal } from './terminal.ts';

export const FORMATS = ['table', 'csv', 'jsonl', 'parquet'] as const;

export type Format = (typeof FORMATS)[number];

export interface OutputOptions {
  readonly format: Format;
  /** Undefined for standard output. */
  readonly file: string | undefined;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number) => void;
}

/** Writes a result, batch by batch; the answer is its rows. A file appears under its name when it is whole. */
export async function writeResult(result: QueryResult, options: OutputOptions): Promise<number> {
  const { format, file } = options;
  if (file === undefined) return await writeText(result, options, printer(options.terminal));
  const partial = `${file}.partial`;
  try {
    const rows =
      format === 'parquet'
        ? await (await import('./sql-parquet.ts')).writeParquet(result, partial, options)
        : await writeFile(result, partial, options);
    await rename(partial, file);
    return rows;
  } finally {
    await rm(partial, { force: true });
  }
}

type Write = (text: string) => Promise<void>;

async function writeText({ columns, batches }: QueryResult, options: OutputOptions, write: Write): Promise<number> {
  const format = formatFor(columns, options);
  let rows = 0;
  for await (const batch of batches) {
    options.signal.throwIfAborted();
    rows += batch.length;
    await write(format.rows(batch));
    options.onRows(rows);
  }
  await write(format.end());
  return rows;
}

async function writeFile(result: QueryResult, path: string, options: OutputOptions): Promise<number> {
  const stream = createWriteStream(path);
  try {
    await once(stream, 'open');
    const rows = await writeText(result, options, async (text) => {
      if (!stream.write(text)) await once(stream, 'drain'); // rejects when the stream fails
    });
    stream.end();
    await finished(stream);
    return rows;
  } finally {
    stream.destroy();
  }
}

function formatFor(columns: readonly ResultColumn[], { format, file, terminal }: OutputOptions): RowFormat {
  if (format === 'csv') return csvFormat(columns);
  if (format === 'jsonl') return jsonLinesFormat(columns);
  // In a file nothing is cut, and no colour stands.
  return tableFormat(columns, file === undefined ? terminal : { ...terminal, columns: Infinity, colored: false });
}

/** A terminal ends each text with a new line of its own. */
function printer(terminal: Terminal): Write {
  return async (text) => {
    if (text === '') return;
    terminal.out(text.endsWith('\n') ? text.slice(0, -1) : text);
    await terminal.drained?.();
  };
}

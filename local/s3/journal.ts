import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/**
 * Lines of JSON, one per change. A line is one write: after `kill -9` it is there whole, or torn at the end and then
 * never acknowledged, so that reading drops it.
 */
export interface Journal<Entry> {
  append(entry: Entry): void;
  close(): void;
}

/** Reads what is there, hands each entry to `apply`, writes `compact()` back as the new file, and goes on appending. */
export function openJournal<Entry>(
  path: string,
  apply: (entry: Entry) => void,
  compact?: () => Iterable<Entry>,
): Journal<Entry> {
  const whole = existsSync(path) ? readWhole(path) : '';
  let lines = 0;
  for (const line of whole.split('\n')) {
    if (line === '') continue;
    apply(JSON.parse(line));
    lines++;
  }
  if (compact !== undefined && lines > 0) {
    let text = '';
    for (const entry of compact()) text += `${JSON.stringify(entry)}\n`;
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
  const file = openSync(path, 'a');
  return {
    append: (entry) => writeSync(file, `${JSON.stringify(entry)}\n`),
    close: () => closeSync(file),
  };
}

function readWhole(path: string): string {
  const text = readFileSync(path);
  const end = text.lastIndexOf(0x0a) + 1;
  if (end < text.length) {
    const file = openSync(path, 'r+');
    ftruncateSync(file, end);
    closeSync(file);
  }
  return text.subarray(0, end).toString('utf8');
}

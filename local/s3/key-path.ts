import { createHash } from 'node:crypto';

const LONGEST_SEGMENT = 200;
const textEncoder = new TextEncoder();

/**
 * Where an object lies below its bucket's folder. Any key maps to a safe path: no traversal, no name that a file system
 * refuses. Plain names stay readable (`events/day=2026-01-02/bucket=a/x.parquet`). A folder's name never has a dot and a
 * file's always has one, so that the keys `a` and `a/b` can both exist.
 */
export function keyToPath(key: string): string {
  const segments = key.split('/');
  const file = segments.pop()!;
  return [...segments.map((segment) => shorten(percentEncode(segment, false) || '%')), fileName(file)].join('/');
}

/** For a key whose path is taken by another one, on a file system that does not tell `A` from `a`. */
export function fallbackPath(key: string): string {
  const path = keyToPath(key);
  return `${path.slice(0, path.lastIndexOf('/') + 1)}%.${sha256(key)}`;
}

/** The key of a path made by `keyToPath`, or `undefined` where a hash stands in for the name. */
export function pathToKey(path: string): string | undefined {
  const segments = path.split('/');
  const file = segments.pop()!;
  const name = file.endsWith('.%') ? file.slice(0, -2) : file;
  const parts = [...segments.map((segment) => (segment === '%' ? '' : segment)), name];
  if (parts.some((part) => /%(?![0-9A-F]{2})/.test(part))) return undefined;
  try {
    const key = parts.map(decodeURIComponent).join('/');
    return keyToPath(key) === path ? key : undefined;
  } catch {
    return undefined;
  }
}

function fileName(name: string): string {
  const escaped = percentEncode(name, true);
  return shorten(
    /[^.]/.test(name) && name.includes('.') && !name.startsWith('.') ? escaped : `${percentEncode(name, false)}.%`,
  );
}

/** Percent-encodes what is not plainly safe; `%` itself too, so that an escape can't be forged. DuckDB decodes it in partition values. */
export function percentEncode(segment: string, dots: boolean): string {
  return segment.replace(/[^A-Za-z0-9_=+@,-]/gu, (char) => {
    if (dots && char === '.') return char;
    let text = '';
    for (const byte of textEncoder.encode(char)) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return text;
  });
}

function shorten(segment: string): string {
  if (segment.length <= LONGEST_SEGMENT) return segment;
  return segment.endsWith('.%') || segment.includes('.') ? `%.${sha256(segment)}` : `%${sha256(segment)}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

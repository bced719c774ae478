/** A part of a text, `[start, end)`. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

export class NotJson extends Error {}

/**
 * The JSON objects that stand one behind the other in a text (`{…}{…}`), as slices of it. "If you want to convert an array
 * of JSON objects, Firehose can't: the input data must be single JSON objects."
 */
export function splitDocuments(text: string): Slice[] {
  const documents: Slice[] = [];
  for (let at = skipSpace(text, 0); at < text.length; ) {
    if (text[at] !== '{')
      throw new NotJson(`a JSON object was expected, found ${JSON.stringify(text.slice(at, at + 20))}`);
    const end = skipValue(text, at);
    documents.push({ start: at, end });
    at = skipSpace(text, end);
  }
  return documents;
}

/** The members of an object that is known to be valid JSON: keys decoded, values as slices, so that numbers stay exact. */
export function membersOf(text: string, object: Slice): [key: string, value: Slice][] {
  const members: [string, Slice][] = [];
  let at = skipSpace(text, object.start + 1);
  while (text[at] !== '}') {
    const keyEnd = skipString(text, at);
    const raw = text.slice(at + 1, keyEnd - 1);
    const key = raw.includes('\\') ? (JSON.parse(text.slice(at, keyEnd)) as string) : raw;
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    members.push([key, { start, end }]);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** The elements of an array that is known to be valid JSON. */
export function elementsOf(text: string, array: Slice): Slice[] {
  const elements: Slice[] = [];
  let at = skipSpace(text, array.start + 1);
  while (text[at] !== ']') {
    const end = skipValue(text, at);
    elements.push({ start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return elements;
}

function skipValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return skipString(text, start);
  if (first !== '{' && first !== '[') {
    let at = start;
    while (at < text.length && !',}] \t\r\n'.includes(text[at]!)) at++;
    return at;
  }
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = skipString(text, at);
      continue;
    }
    at++;
    if (code === 0x7b || code === 0x5b) depth++;
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at;
  }
  throw new NotJson('the JSON ends too early');
}

function skipString(text: string, start: number): number {
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new NotJson('a JSON string has no end');
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
    at++;
  }
  return at;
}

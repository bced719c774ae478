import { type Json, ServiceError } from '../cloud.ts';

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
// Carriage returns and the like must travel as references, or parsers normalise them away.
const SPECIAL = /[&<>"\u2028]|\p{Cc}/gu;

export function escapeXml(text: string): string {
  return text.replace(SPECIAL, (char) => {
    if (char === '&') return '&amp;';
    if (char === '<') return '&lt;';
    if (char === '>') return '&gt;';
    if (char === '"') return '&quot;';
    return `&#x${char.charCodeAt(0).toString(16)};`;
  });
}

/** Objects become elements, arrays repeated elements, `undefined` nothing. */
export function toXml(root: string, value: Json, namespace?: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, value, namespace)}`;
}

function element(name: string, value: Json, namespace?: string): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map((one) => element(name, one)).join('');
  const open = namespace === undefined ? `<${name}>` : `<${name} xmlns="${namespace}">`;
  if (typeof value !== 'object') return `${open}${escapeXml(String(value))}</${name}>`;
  const inside = Object.entries(value).map(([child, one]) => element(child, one));
  return `${open}${inside.join('')}</${name}>`;
}

/**
 * Parses a request's document into `{ root: … }`: an element without children is its text, repeated ones are an array.
 * Attributes and namespaces are dropped, document types are refused.
 */
export function parseXml(text: string): Json {
  const pattern =
    /<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(\/?)([^\s/>!?]+)[^>]*?(\/?)>|([^<]+)|(<)/g;
  const stack: { name: string; children: Json; text: string }[] = [{ name: '', children: {}, text: '' }];
  const close = () => {
    const { name, children, text: inside } = stack.pop()!;
    const parent = stack.at(-1)!.children;
    const value = Object.keys(children).length > 0 ? children : inside;
    if (parent[name] === undefined) parent[name] = value;
    else if (Array.isArray(parent[name])) parent[name].push(value);
    else parent[name] = [parent[name], value];
  };
  for (const match of text.matchAll(pattern)) {
    const [, cdata, slash, tag, empty, characters, stray] = match;
    if (stray !== undefined) throw malformed();
    if (cdata !== undefined) stack.at(-1)!.text += cdata;
    else if (characters !== undefined) stack.at(-1)!.text += unescapeXml(characters);
    else if (tag !== undefined) {
      const name = tag.slice(tag.indexOf(':') + 1);
      if (slash === '/') {
        if (stack.length < 2 || stack.at(-1)!.name !== name) throw malformed();
        close();
      } else {
        stack.push({ name, children: Object.create(null), text: '' });
        if (empty === '/') close();
      }
    }
  }
  if (stack.length !== 1 || Object.keys(stack[0]!.children).length !== 1) throw malformed();
  return stack[0]!.children;
}

/** A child that may be absent, alone or repeated, as an array. */
export function many(value: Json): Json[] {
  return value === undefined || value === '' ? [] : Array.isArray(value) ? value : [value];
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? whole;
  });
}

const malformed = () =>
  new ServiceError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );

import { compareNumbers } from './number.ts';

const BEYOND_SURROGATES = /[\ud800-\uffff]/;

/**
 * DynamoDB orders strings by their UTF-8 bytes, JavaScript by UTF-16 units; they differ only where surrogates meet
 * units from U+E000 up. Moving those two blocks makes the second order equal to the first.
 */
export function utf8OrderText(text: string): string {
  if (!BEYOND_SURROGATES.test(text)) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    out += String.fromCharCode(unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);
  }
  return out;
}

/** A binary's bytes as a text that sorts as they do. */
export function bytesOrderText(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A set's members in their order: a set keeps none of its own, and this one is what comes back (assumed). */
export function sortMembers(type: 'SS' | 'NS' | 'BS', members: readonly string[]): readonly string[] {
  if (members.length < 2) return members;
  if (type === 'NS') return members.toSorted(compareNumbers);
  const text = type === 'SS' ? utf8OrderText : bytesOrderText;
  return members.toSorted((a, b) => compareTexts(text(a), text(b)));
}

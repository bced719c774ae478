const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** How many places a text takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += NONE.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

/** A value on one line: what would move the cursor, or tell the terminal something, becomes a sign. */
export function oneLine(text: string): string {
  return PLAIN.test(text)
    ? text
    : text
        .replace(/\r?\n/g, '⏎')
        .replaceAll('\t', '→')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '·');
}

/** A text in so many places: cut with … where it is longer, filled up where it is shorter. */
export function fitted(text: string, width: number, align: 'left' | 'right'): string {
  let shown = text;
  let taken = widthOf(text);
  if (taken > width) {
    shown = '';
    taken = 0;
    for (const char of text) {
      const more = widthOf(char);
      if (taken + more > width - 1) break;
      shown += char;
      taken += more;
    }
    shown += '…';
    taken += 1;
  }
  const space = ' '.repeat(Math.max(0, width - taken));
  return align === 'left' ? shown + space : space + shown;
}

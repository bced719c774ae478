import { createHash } from 'node:crypto';

/** "Name – … not less than 1 or more than 255 bytes long" (Glue's Column). */
const LONGEST = 255;

/** Separates the parts of a nested field's column: no part holds it. */
export const NESTED = '__';

/**
 * A name as Athena takes it without quotes being needed for its letters: lower case, digits, single underscores. "Special
 * characters other than underscore (_) are not supported" in names of tables, views and columns. A letter that has no plain
 * form is written by its number, so that two names of such letters stay two.
 */
export function snakeName(given: string): string {
  const words = given
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{ASCII}]/gu, (letter) => (/[\p{L}\p{N}]/u.test(letter) ? `_u${codeOf(letter)}_` : '_'))
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return cut(words === '' ? 'unnamed' : words);
}

/** One name for each, in the order given: what is taken already gets a number behind it. */
export function uniqueNames(names: readonly string[], taken: Iterable<string> = []): string[] {
  const used = new Set(taken);
  return names.map((name) => {
    let unique = cut(name);
    for (let n = 2; used.has(unique); n++) unique = cut(name, `_${n}`);
    used.add(unique);
    return unique;
  });
}

/** A name that is too long keeps its beginning, and a hash of all of it. */
function cut(name: string, ending = ''): string {
  if (name.length + ending.length <= LONGEST) return name + ending;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, LONGEST - ending.length - hash.length - 1).replace(/_+$/, '')}_${hash}${ending}`;
}

const codeOf = (letter: string): string => letter.codePointAt(0)!.toString(16);

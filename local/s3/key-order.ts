/** S3 lists keys "in lexicographical order" of their UTF-8 bytes, which differs from JavaScript's order beyond U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Half of a pair sorts after every character that stands alone.
    const pairX = x >= 0xd800 && x <= 0xdfff;
    const pairY = y >= 0xd800 && y <= 0xdfff;
    if (pairX !== pairY) return pairX ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** The first position in the sorted keys whose key is `>= key` (or `> key`, when `after`). */
export function positionOf(keys: readonly string[], key: string, after = false): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareKeys(keys[middle]!, key);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One place in a state that an event changed. */
export interface Change {
  /** A JSON Pointer (RFC 6901), such as `/months/2026-01/closing`; empty for the whole state. */
  readonly path: string;
  /** Absent when nothing was there. */
  readonly before?: unknown;
  /** Absent when nothing is there any more. */
  readonly after?: unknown;
}

/** Where two JSON values differ, as deep as they are alike in kind: objects by key, lists by index. */
export function changedPaths(before: unknown, after: unknown, path = ''): readonly Change[] {
  if (Object.is(before, after)) return [];
  if (!isNested(before) || !isNested(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [{ path, before, after }];
  }
  const changes: Change[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const below = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!Object.hasOwn(before, key)) changes.push({ path: below, after: after[key] });
    else if (!Object.hasOwn(after, key)) changes.push({ path: below, before: before[key] });
    else changes.push(...changedPaths(before[key], after[key], below));
  }
  return changes;
}

function isNested(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

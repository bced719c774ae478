/** What is wrong with a value, and where: a JSON pointer, empty at the root. */
export interface Issue {
  readonly path: string;
  readonly problem: string;
}

/**
 * What keeps a value from becoming JSON text and back unchanged, or undefined: JSON.stringify would silently turn a Date
 * into text, NaN into null and a Map into {}. A property that is undefined counts as absent.
 */
export function jsonProblem(value: unknown): Issue | undefined {
  return problemIn(value, 0);
}

// Deeper than any real payload; it also ends a circular one.
const MAX_DEPTH = 256;

function problemIn(value: unknown, depth: number): Issue | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { path: '', problem: `${value} is not JSON` };
    case 'object':
      break;
    default:
      return { path: '', problem: `${typeof value} is not JSON` };
  }
  if (value === null) return undefined;
  if (depth > MAX_DEPTH) return { path: '', problem: `nested deeper than ${MAX_DEPTH} levels, or circular` };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const issue = problemIn(value[i], depth + 1);
      if (issue !== undefined) return within(i, issue);
    }
    return undefined;
  }
  const notPlain = objectProblem(value);
  if (notPlain !== undefined) return notPlain;
  for (const key in value) {
    const property = (value as Record<string, unknown>)[key];
    if (property === undefined) continue;
    const issue = problemIn(property, depth + 1);
    if (issue !== undefined) return within(key, issue);
  }
  return undefined;
}

/** Only plain objects survive JSON: one without a prototype, or whose prototype is the root of its realm. */
export function objectProblem(value: object): Issue | undefined {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return { path: '', problem: `a ${prototype.constructor?.name ?? 'class instance'} is not JSON; give plain data` };
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return { path: '', problem: 'an object with toJSON is not plain JSON' };
  }
  return undefined;
}

/** The same issue seen from the parent. */
export function within(key: string | number, issue: Issue): Issue {
  const step = typeof key === 'number' ? String(key) : escapePointer(key);
  return { path: `/${step}${issue.path}`, problem: issue.problem };
}

export function jsonEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) && jsonEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  );
}

/** A JSON pointer's step. */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Every issue in one line. */
export function describeIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 5).map((issue) => `${issue.path === '' ? 'it' : issue.path} ${issue.problem}`);
  return issues.length > 5 ? `${shown.join('; ')}; and ${issues.length - 5} more` : shown.join('; ');
}

/** Deeper than this, a state is taken for one that holds itself. */
const MOST_DEEP = 200;

/** Where a value holds what JSON text does not bring back as it was, and what it is; undefined when it holds nothing such. */
export function notJson(value: unknown, where: string, depth: number): { where: string; found: string } | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { where, found: String(value) };
    case 'object':
      break;
    default:
      return { where, found: typeof value };
  }
  if (value === null) return undefined;
  if (depth > MOST_DEEP) return { where, found: 'an object that holds itself, or lies too deep' };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const problem = notJson(value[i], `${where}[${i}]`, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return { where, found: `a ${prototype.constructor?.name ?? 'class'}` };
  }
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    // A member that is undefined is as one that is not there.
    const problem = member === undefined ? undefined : notJson(member, `${where}.${name}`, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

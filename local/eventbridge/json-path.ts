import type { Json } from '../cloud.ts';

/**
 * The JSON paths of rules: "dot notation, dashes, underscores, alphanumeric characters, array indices, wildcards, forward
 * slashes" (user guide, input transformation). Anything else is no path.
 */
export type JsonPath = readonly (string | number | '*')[];

const WILD = '*';

export function parseJsonPath(path: string): JsonPath | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: (string | number)[] = [];
  const step = /\.([^.[\]]+)|\[(\d+)\]|\[\*\]|\['([^']+)'\]|\["([^"]+)"\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const found = step.exec(path);
    if (found === null) return undefined;
    const [, name, index, single, double] = found;
    steps.push(index === undefined ? (name ?? single ?? double ?? WILD) : Number(index));
  }
  return steps;
}

/** What the path finds: undefined when nothing; all finds as an array when it has a wildcard. */
export function findByPath(path: JsonPath, value: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (step === WILD) {
    const found = Object.values(value).flatMap((one) => {
      const inner = findByPath(rest, one);
      return inner === undefined ? [] : rest.includes(WILD) ? inner : [inner];
    });
    return found.length === 0 ? undefined : found;
  }
  if (typeof step === 'number' ? !Array.isArray(value) : !Object.hasOwn(value, step)) return undefined;
  return findByPath(rest, value[step]);
}

import { isDaybookError } from '../errors.ts';
import { type Issue, jsonProblem } from '../schema/json-value.ts';

/** What the engine itself says of a mistake in code, when it names only properties and never a value. */
const WITHOUT_VALUES = [
  /^Cannot (read|set) properties of (undefined|null) \((reading|setting) '[\w$]{1,64}'\)$/,
  /^[\w$.()[\]]{1,128} is not (a function|iterable|a constructor|defined)$/,
  /^(undefined|object null|object) is not iterable \(cannot read property Symbol\(Symbol\.iterator\)\)$/,
  /^Cannot destructure property '[\w$]{1,64}' of '[\w$.]{1,128}' as it is (undefined|null)\.$/,
  /^Assignment to constant variable\.$/,
  /^Maximum call stack size exceeded$/,
];

/**
 * An error of the app's own code. Its message may quote what is stored, so without `quoting` only its name and place are
 * said, unless the engine wrote it about code alone.
 */
export function sayError(error: unknown, quoting: boolean): string {
  if (!(error instanceof Error)) return quoting ? `threw ${String(error)}` : `threw a ${typeof error}`;
  const known = quoting || isDaybookError(error) || WITHOUT_VALUES.some((pattern) => pattern.test(error.message));
  // The first line of the stack, without the folders.
  const [, caller = '', place] =
    /^ +at (?:(.+?) \()?(?:.*[/\\])?([^/\\()]+:\d+:\d+)\)?$/m.exec(error.stack ?? '') ?? [];
  return `${error.name}${known ? `: ${error.message}` : ''}${place === undefined ? '' : ` at ${caller === '' ? place : `${caller} (${place})`}`}`;
}

/**
 * What is wrong with data, without the data. Problems of JSON Schema quote the value in known places; of other libraries'
 * every text and number that the data itself holds is left out.
 */
export function sayIssue(issue: Issue, data: unknown, quoting: boolean): string {
  if (quoting) return issue.problem;
  const demanded = issue.problem
    .replace(/^(?:"(?:[^"\\]|\\.)*"|-?[\d.]+(?:e[+-]?\d+)?) (?=is |does |must )/, '')
    .replace(/, is (?!.*, is ).*$/s, '')
    .replace(/(?<=matches none of \d+ alternatives):.*$/s, '');
  return withoutValues(demanded, data);
}

const MAX_LEAVES = 10_000;

function withoutValues(text: string, data: unknown): string {
  let said = text;
  let left = MAX_LEAVES;
  const visit = (value: unknown): void => {
    if (--left < 0) return;
    // A message may quote the beginning of a long text.
    if (typeof value === 'string' && value.length >= 3) {
      const quoted = said.includes(value) ? value : value.slice(0, 12);
      if (quoted.length >= 3) said = said.replaceAll(quoted, '…');
    } else if (typeof value === 'number' && Math.abs(value) > 9) {
      said = said.replace(new RegExp(`(?<![\\w.-])${String(value).replace(/[.+]/g, '\\$&')}(?![\\w.])`, 'g'), '…');
    } else if (typeof value === 'object' && value !== null) {
      for (const item of Object.values(value)) visit(item);
    }
  };
  visit(data);
  return left < 0 ? 'does not satisfy its schema' : said;
}

/** Why a state cannot be kept, without its values; undefined when it can. */
export function stateProblem(state: unknown): string | undefined {
  const issue = jsonProblem(state);
  return issue === undefined ? undefined : `${issue.path === '' ? 'the state' : issue.path}: ${issue.problem}`;
}

/** Where two JSON values differ first, as a pointer; undefined when they do not. */
export function firstDifference(a: unknown, b: unknown, path = ''): string | undefined {
  if (a === b) return undefined;
  const apart = typeof a !== 'object' || typeof b !== 'object' || a === null || b === null;
  if (apart || Array.isArray(a) !== Array.isArray(b)) return path;
  const before = a as Record<string, unknown>;
  const after = b as Record<string, unknown>;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const place = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (Object.hasOwn(before, key) !== Object.hasOwn(after, key)) return place;
    const found = firstDifference(before[key], after[key], place);
    if (found !== undefined) return found;
  }
  return undefined;
}

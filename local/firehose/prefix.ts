import { invalidArgument, unsupported } from './errors.ts';

// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
const EXPRESSION = /!\{([^:}]*):([^}]*)\}/g;

/** What the expressions of a prefix are evaluated with. */
export interface PrefixValues {
  /** "The approximate arrival timestamp of the oldest record that's contained in the object." */
  readonly atMs: number;
  readonly partitionKeys?: Readonly<Record<string, string>>;
  readonly errorType?: string;
  /** "evaluates to a random string of 11 characters; if used more than once, every instance is a new one". */
  randomString(): string;
}

export function checkPrefixes(
  prefix: string,
  errorPrefix: string | undefined,
  how: { readonly partitioned: boolean; readonly byLambda: boolean },
): void {
  let keys = 0;
  for (const [whole, namespace, value] of prefix.matchAll(EXPRESSION)) {
    if (namespace === 'partitionKeyFromLambda' && how.partitioned && how.byLambda) keys++;
    else if (namespace === 'partitionKeyFromQuery') throw unsupported('partitionKeyFromQuery');
    else if (namespace === 'firehose' && value === 'error-output-type') {
      throw invalidArgument('Prefix cannot contain !{firehose:error-output-type}.');
    } else if (!(namespace === 'timestamp' || (namespace === 'firehose' && value === 'random-string'))) {
      throw invalidArgument(`The expression ${whole} in Prefix is not valid.`);
    }
  }
  // "Dynamic partitioning requires that you specify a prefix with at least one partition key expression."
  if (how.partitioned && keys === 0) {
    throw invalidArgument(
      'Prefix must contain at least one partitionKeyFromLambda expression when Dynamic Partitioning is enabled.',
    );
  }
  const hasExpression = prefix.includes('!{');
  // "If you specify a prefix that contains expressions, ErrorOutputPrefix is required", with the error-output-type.
  if (hasExpression && (errorPrefix ?? '') === '') {
    throw invalidArgument('ErrorOutputPrefix is required when Prefix contains expressions.');
  }
  for (const [whole, namespace, value] of (errorPrefix ?? '').matchAll(EXPRESSION)) {
    const known =
      namespace === 'timestamp' ||
      (namespace === 'firehose' && ['random-string', 'error-output-type'].includes(value!));
    if (!known) throw invalidArgument(`The expression ${whole} in ErrorOutputPrefix is not valid.`);
  }
  if ((errorPrefix ?? '').includes('!{') && !errorPrefix!.includes('!{firehose:error-output-type}')) {
    throw invalidArgument('ErrorOutputPrefix must contain !{firehose:error-output-type} when it contains expressions.');
  }
}

/** The names of the partition keys that a prefix asks for. */
export function partitionKeysOf(prefix: string): string[] {
  const names = [...prefix.matchAll(EXPRESSION)]
    .filter(([, namespace]) => namespace === 'partitionKeyFromLambda')
    .map(([, , name]) => name!);
  return [...new Set(names)];
}

export function evaluatePrefix(prefix: string, values: PrefixValues): string {
  if (!prefix.includes('!{')) {
    // "If you don't use an expression, Firehose appends YYYY/MM/dd/HH/ in UTC"; error output gets its type before it.
    const type = values.errorType === undefined ? '' : `${values.errorType}/`;
    return `${prefix}${type}${formatTime('yyyy/MM/dd/HH/', values.atMs)}`;
  }
  return prefix.replace(EXPRESSION, (whole, namespace: string, value: string) => {
    if (namespace === 'timestamp') return formatTime(value, values.atMs);
    if (namespace === 'partitionKeyFromLambda') return values.partitionKeys?.[value] ?? whole;
    return value === 'random-string' ? values.randomString() : (values.errorType ?? '');
  });
}

/** The letters of Java's DateTimeFormatter that make sense in a prefix, in UTC. */
export function formatTime(pattern: string, atMs: number): string {
  const date = new Date(atMs);
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  return pattern.replace(/'([^']*)'|([a-zA-Z])\2*/g, (token, quoted: string | undefined, letter: string) => {
    if (quoted !== undefined) return quoted === '' ? "'" : quoted;
    const width = token.length;
    if (letter === 'y' || letter === 'Y' || letter === 'u') {
      return width === 2 ? pad(date.getUTCFullYear() % 100, 2) : pad(date.getUTCFullYear(), width);
    }
    if (letter === 'M' && width <= 2) return pad(date.getUTCMonth() + 1, width);
    if (letter === 'd') return pad(date.getUTCDate(), width);
    if (letter === 'H') return pad(date.getUTCHours(), width);
    if (letter === 'm') return pad(date.getUTCMinutes(), width);
    if (letter === 's') return pad(date.getUTCSeconds(), width);
    if (letter === 'S') return pad(date.getUTCMilliseconds(), 3).padEnd(width, '0').slice(0, width);
    throw unsupported(`the letter ${letter} in !{timestamp:${pattern}}`);
  });
}

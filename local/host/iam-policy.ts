import type { Json } from '../cloud.ts';

/** What a request brings for conditions: one value a key. */
export type Context = Readonly<Record<string, string | undefined>>;

/** Who asks, as a policy's `Principal` sees it. */
export interface Identity {
  readonly kind: 'role' | 'service' | 'root';
  /** The role's ARN, the service's name (`events.amazonaws.com`), or the account's root ARN. */
  readonly id: string;
  readonly accountId: string;
}

/** A policy statement, its lists flat, its patterns compiled. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  action(name: string): boolean;
  /** `undefined` asks: is there any resource of this service that it is about? */
  resource(arn: string | undefined): boolean;
  principal(identity: Identity): boolean;
  condition(context: Context): boolean;
}

/** Reads a policy document whose intrinsic functions are evaluated. Without `Resource` (trust policies) it is about everything. */
export function readPolicy(document: Json): Statement[] {
  const body = typeof document === 'string' ? JSON.parse(document) : document;
  return listOf(body?.Statement).map(readStatement);
}

function readStatement(statement: Json): Statement {
  const actions = patterns(statement.Action ?? statement.NotAction, true);
  const resources = patterns(statement.Resource ?? statement.NotResource ?? '*');
  return {
    effect: statement.Effect,
    action: (name) => actions.some((pattern) => pattern.test(name)) === 'Action' in statement,
    resource: (arn) =>
      arn === undefined || resources.some((pattern) => pattern.test(arn)) === (statement.NotResource === undefined),
    principal: (identity) => matchesPrincipal(statement.Principal, identity, statement.Effect),
    condition: (context) => matchesConditions(statement.Condition, context),
  };
}

/**
 * An `Allow` for an account leaves it to the account's own policies whom it gives the permission to; a `Deny` for an
 * account is about everybody in it ("AWS JSON policy elements: Principal", IAM user guide).
 */
function matchesPrincipal(principal: Json, identity: Identity, effect: string): boolean {
  if (principal === '*') return true;
  if (principal === null || typeof principal !== 'object') return false;
  if (identity.kind === 'service')
    return listOf(principal.Service).includes(identity.id) || listOf(principal.AWS).includes('*');
  const accountRoot = `arn:aws:iam::${identity.accountId}:root`;
  return listOf(principal.AWS).some((entry) => {
    if (entry === '*' || entry === identity.id) return true;
    const isAccount = entry === identity.accountId || entry === accountRoot;
    return isAccount && (effect === 'Deny' || identity.kind === 'root');
  });
}

function matchesConditions(conditions: Json, context: Context): boolean {
  return Object.entries<Json>(conditions ?? {}).every(([operator, keys]) => {
    const { base, set, ifExists } = parseOperator(operator);
    return Object.entries<Json>(keys).every(([key, expected]) => {
      const actual = context[canonicalKey(key)];
      const values = listOf(expected).map(String);
      if (base === 'Null') return values.some((value) => (value === 'true') === (actual === undefined));
      if (actual === undefined) return ifExists || set === 'ForAllValues' || NEGATED.has(base);
      return OPERATORS[base]!(actual, values);
    });
  });
}

/** A key that is missing from the request does not match, except for the negated operators, which it satisfies. */
const NEGATED = new Set([
  'StringNotEquals',
  'StringNotEqualsIgnoreCase',
  'StringNotLike',
  'ArnNotEquals',
  'ArnNotLike',
]);

const like = (actual: string, values: readonly string[]) => values.some((value) => wildcard(value).test(actual));
const same = (actual: string, values: readonly string[]) => values.includes(actual);
const sameText = (actual: string, values: readonly string[]) =>
  values.some((value) => value.toLowerCase() === actual.toLowerCase());

const OPERATORS: Readonly<Record<string, (actual: string, values: readonly string[]) => boolean>> = {
  StringEquals: same,
  StringNotEquals: (actual, values) => !same(actual, values),
  StringEqualsIgnoreCase: sameText,
  StringNotEqualsIgnoreCase: (actual, values) => !sameText(actual, values),
  StringLike: like,
  StringNotLike: (actual, values) => !like(actual, values),
  // "ArnEquals and ArnLike behave identically" (IAM user guide, condition operators).
  ArnEquals: like,
  ArnLike: like,
  ArnNotEquals: (actual, values) => !like(actual, values),
  ArnNotLike: (actual, values) => !like(actual, values),
  Bool: sameText,
  Null: () => false, // answered above, where a key may be missing
};

/** The condition keys that a request here can carry. */
const KEYS = new Set([
  'aws:securetransport',
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principaltype',
  'aws:principalisawsservice',
  'aws:resourceaccount',
  'aws:requestedregion',
  's3:prefix',
  's3:delimiter',
  'events:source',
  'events:detail-type',
]);

function parseOperator(operator: string): { base: string; set: string | undefined; ifExists: boolean } {
  const [, set, base, ifExists] = operator.match(/^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/) ?? [];
  return { base: base ?? operator, set, ifExists: ifExists !== undefined };
}

/** Condition keys' names are not case-sensitive. */
const canonicalKey = (key: string) => key.toLowerCase();

/** Services whose calls are answered here; a statement about others can't be tested and does no harm. */
const HOSTED =
  /^(\*|(dynamodb|kinesis|sqs|events|lambda|pipes|states|s3|firehose|glue|athena|cloudformation|sts)(:.*)?)$/i;

/** What the evaluator can't judge in a policy document, intrinsic functions evaluated or not; empty when nothing. */
export function unsupportedInPolicy(document: Json): string[] {
  const problems: string[] = [];
  for (const statement of listOf(document?.Statement)) {
    if (statement === null || typeof statement !== 'object') continue;
    if (statement.NotPrincipal !== undefined) problems.push('policy element NotPrincipal');
    const actions = listOf(statement.Action ?? '*');
    if (!actions.some((action) => typeof action !== 'string' || HOSTED.test(action))) continue;
    if (actions.every((action) => typeof action === 'string' && action.startsWith('sts:'))) continue; // trust policies
    for (const resource of listOf(statement.Resource ?? statement.NotResource)) {
      if (typeof resource === 'string' && resource.includes('${')) problems.push(`policy variable in ${resource}`);
    }
    for (const [operator, keys] of Object.entries<Json>(statement.Condition ?? {})) {
      if (OPERATORS[parseOperator(operator).base] === undefined) problems.push(`condition operator ${operator}`);
      for (const key of Object.keys(keys)) if (!KEYS.has(canonicalKey(key))) problems.push(`condition key ${key}`);
    }
  }
  return problems;
}

function patterns(values: Json, ignoreCase = false): RegExp[] {
  return listOf(values).map((value) => wildcard(String(value), ignoreCase));
}

const compiled = new Map<string, RegExp>();

/** `*` is any run of characters, `?` one; everything else is itself. */
function wildcard(pattern: string, ignoreCase = false): RegExp {
  const key = `${ignoreCase}${pattern}`;
  let found = compiled.get(key);
  if (found === undefined) {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    found = new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
    compiled.set(key, found);
  }
  return found;
}

function listOf(value: Json): Json[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** A node of JSONata's own syntax tree, as far as it is looked at here. */
export interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly steps?: readonly Node[];
  readonly stages?: readonly { readonly expr?: Node }[];
  readonly predicate?: readonly { readonly expr: Node }[];
  readonly group?: { readonly lhs: readonly (readonly Node[])[] };
  readonly lhs?: Node | readonly (readonly Node[])[];
  readonly rhs?: Node;
  readonly expression?: Node;
  readonly expressions?: readonly Node[];
  readonly arguments?: readonly Node[];
  readonly procedure?: Node;
  readonly body?: Node;
  readonly condition?: Node;
  readonly then?: Node;
  readonly else?: Node;
  readonly terms?: readonly { readonly expression: Node }[];
  readonly pattern?: Node;
  readonly update?: Node;
  readonly delete?: Node;
}

interface Child {
  readonly node: Node;
  /** Evaluated with a context item of its own, not with that of its parent. */
  readonly inner: boolean;
}

function children(node: Node): readonly Child[] {
  const found: Child[] = [];
  const same = (child: Node | undefined) => child !== undefined && found.push({ node: child, inner: false });
  const inner = (child: Node | undefined) => child !== undefined && found.push({ node: child, inner: true });
  node.steps?.forEach((step, i) => {
    if (i === 0) same(step);
    else inner(step);
  });
  for (const stage of node.stages ?? []) inner(stage.expr);
  for (const filter of node.predicate ?? []) inner(filter.expr);
  for (const pair of node.group?.lhs ?? []) pair.forEach(inner);
  if (Array.isArray(node.lhs)) for (const pair of node.lhs as readonly (readonly Node[])[]) pair.forEach(same);
  else same(node.lhs as Node | undefined);
  for (const child of [node.rhs, node.expression, node.procedure, node.body]) same(child);
  for (const child of [node.condition, node.then, node.else]) same(child);
  for (const list of [node.expressions, node.arguments]) list?.forEach(same);
  for (const term of node.terms ?? []) inner(term.expression);
  for (const child of [node.pattern, node.update, node.delete]) inner(child);
  return found;
}

function some(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || children(node).some((child) => some(child.node, test));
}

/** How deep the evaluation of the expression nests, its functions' bodies counted where they are written. */
export function nestingOf(node: Node): number {
  let deepest = 0;
  for (const child of children(node)) deepest = Math.max(deepest, nestingOf(child.node));
  return deepest + 1;
}

/** Only an expression that defines a function can recurse. */
export function mayRunForever(node: Node): boolean {
  return some(node, ({ type }) => type === 'lambda');
}

/** JSONata evaluates the members of an array or object side by side. */
export function runsInParallel(node: Node): boolean {
  return some(
    node,
    ({ type, value, group }) => (type === 'unary' && (value === '[' || value === '{')) || group !== undefined,
  );
}

/**
 * "Attempting to access $states.result or $states.errorOutput in fields and states where they are not accessible will be
 * caught at creation, update, or validation of the state machine."
 */
const OUTCOMES = ['result', 'errorOutput'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * What Step Functions refuses in an expression when the definition is created: there is no context item, so a name that
 * starts from neither `$states` nor a variable reads nothing. The texts are the service's own.
 */
export function unsupportedReferences(ast: Node, allowed: readonly Outcome[]): readonly string[] {
  const found = new Set<string>();
  const defined = definedNames(ast);
  const visit = (node: Node, top: boolean) => {
    const { type, value } = node;
    if (top && (type === 'name' || type === 'wildcard' || type === 'descendant')) {
      found.add(`Reference to '${value}' at the top level is not supported.`);
    }
    if (type === 'variable' && value === 'eval') found.add("Reference to '$eval' is not supported.");
    if (type === 'variable' && value === '$') found.add("Reference to '$$' is not supported.");
    const called = node.procedure?.type === 'variable' ? String(node.procedure.value) : undefined;
    if (called !== undefined && called !== 'eval' && !FUNCTIONS.has(called) && !defined.has(called)) {
      found.add(`Function '$${called}' is not supported.`);
    }
    for (const outcome of OUTCOMES) {
      if (!allowed.includes(outcome) && reads(node, outcome)) {
        found.add(`Reference to '$states.${outcome}' is not supported.`);
      }
    }
    for (const child of children(node)) visit(child.node, top && !child.inner);
  };
  visit(ast, true);
  return [...found];
}

/** What the expression itself may have made a function of: its own variables, and the arguments of its functions. */
function definedNames(ast: Node): ReadonlySet<string> {
  const names = new Set<string>();
  some(ast, (node) => {
    const lhs = node.lhs as Node | undefined;
    if (node.type === 'bind' && lhs?.type === 'variable') names.add(String(lhs.value));
    if (node.type === 'lambda') for (const { value } of node.arguments ?? []) names.add(String(value));
    return false;
  });
  return names;
}

function reads({ type, steps }: Node, outcome: Outcome): boolean {
  const [first, second] = steps ?? [];
  return type === 'path' && first?.type === 'variable' && first.value === 'states' && second?.value === outcome;
}

/** "All built-in JSONata functions and operators in the 2.0.6 specification are supported, with one exception: $eval", and six more. */
const FUNCTIONS: ReadonlySet<string> = new Set(
  (
    'string length substring substringBefore substringAfter uppercase lowercase trim pad contains split join match replace ' +
    'base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl number abs floor ceil round power ' +
    'sqrt random formatNumber formatBase formatInteger parseInteger sum max min average boolean not exists count append sort ' +
    'reverse shuffle distinct zip keys lookup spread merge sift each error assert type now millis fromMillis toMillis map ' +
    'filter single reduce clone partition range hash uuid parse'
  ).split(' '),
);

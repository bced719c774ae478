import type { Account, Json } from '../cloud.ts';
import type { Created } from '../resource.ts';

/** What the intrinsic functions of one stack can see. */
export interface Scope {
  readonly stackName: string;
  readonly stackId: string;
  readonly account: Account;
  readonly parameters: ReadonlyMap<string, Json>;
  readonly mappings: Json;
  condition(name: string): boolean;
  /** A resource that exists already; it throws with the reason when there is none. */
  resource(logicalId: string): Created;
  importValue(name: string): string;
}

/** `Ref: AWS::NoValue`: the property or element that holds it is as if it were not there. */
const NO_VALUE = Symbol('AWS::NoValue');

/** Evaluates the intrinsic functions in a value; see "Intrinsic function reference" in the CloudFormation user guide. */
export function resolve(value: Json, scope: Scope): Json {
  const result = evaluate(value, scope);
  return result === NO_VALUE ? undefined : result;
}

function evaluate(value: Json, scope: Scope): Json {
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope)).filter((item) => item !== NO_VALUE);
  if (value === null || typeof value !== 'object') return value;
  const name = intrinsicOf(value);
  if (name !== undefined) return call(name, value[name], scope);
  const result: Record<string, Json> = {};
  for (const [key, inner] of Object.entries(value)) {
    const evaluated = evaluate(inner, scope);
    if (evaluated !== NO_VALUE) result[key] = evaluated;
  }
  return result;
}

/** The intrinsic function that an object is, if it is one. */
export function intrinsicOf(value: Json): string | undefined {
  const keys = Object.keys(value);
  const name = keys.find((key) => key.startsWith('Fn::'));
  if (name === undefined)
    return keys.length === 1 && keys[0] === 'Ref' && typeof value.Ref === 'string' ? 'Ref' : undefined;
  if (keys.length > 1)
    throw new Error(`${name} stands beside ${keys.filter((key) => key !== name).join(', ')} in one object`);
  return name;
}

function call(name: string, argument: Json, scope: Scope): Json {
  const run = FUNCTIONS[name];
  if (run === undefined) throw new Error(`${name} is not supported by the embedded runtime`);
  return run(argument, scope);
}

const FUNCTIONS: Readonly<Record<string, (argument: Json, scope: Scope) => Json>> = {
  Ref: (name, scope) => ref(name, scope),
  'Fn::GetAtt': (argument, scope) => {
    const [logicalId, attribute] = attributeOf(argument);
    return getAttribute(logicalId, String(evaluate(attribute, scope)), scope);
  },
  'Fn::Sub': (argument, scope) => substitute(argument, scope),
  'Fn::Join': (argument, scope) => {
    const [delimiter, list] = pair('Fn::Join', argument);
    return listOf('Fn::Join', evaluate(list, scope)).map(text).join(delimiter);
  },
  'Fn::Select': (argument, scope) => {
    const [index, list] = pair('Fn::Select', argument);
    const items = listOf('Fn::Select', evaluate(list, scope));
    const at = Number(evaluate(index, scope));
    if (items[at] === undefined) throw new Error(`Fn::Select asks for element ${at} of a list of ${items.length}`);
    return items[at];
  },
  'Fn::Split': (argument, scope) => {
    const [delimiter, source] = pair('Fn::Split', argument);
    return text(evaluate(source, scope)).split(delimiter);
  },
  'Fn::FindInMap': (argument, scope) => {
    const [map, first, second] = (argument as Json[]).slice(0, 3).map((part) => text(evaluate(part, scope)));
    const found = scope.mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
    const fallback = (argument as Json[])[3]?.DefaultValue;
    if (found === undefined && fallback !== undefined) return evaluate(fallback, scope);
    if (found === undefined) throw new Error(`Fn::FindInMap: there is no ${map}.${first}.${second}`);
    return found;
  },
  'Fn::If': (argument, scope) => evaluate(branchOf(argument, scope), scope),
  'Fn::ImportValue': (argument, scope) => scope.importValue(text(evaluate(argument, scope))),
  'Fn::Base64': (argument, scope) => Buffer.from(text(evaluate(argument, scope))).toString('base64'),
  'Fn::Length': (argument, scope) => listOf('Fn::Length', evaluate(argument, scope)).length,
  'Fn::ToJsonString': (argument, scope) => JSON.stringify(evaluate(argument, scope)),
  'Fn::GetAZs': (argument, scope) => {
    const region = text(evaluate(argument, scope)) || scope.account.region;
    return ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
  },
  'Fn::Equals': (argument, scope) => {
    const [left, right] = pair('Fn::Equals', argument).map((part: Json) => evaluate(part, scope));
    return JSON.stringify(left) === JSON.stringify(right) || String(left) === String(right);
  },
  'Fn::And': (argument, scope) => (argument as Json[]).every((part) => truth(part, scope)),
  'Fn::Or': (argument, scope) => (argument as Json[]).some((part) => truth(part, scope)),
  'Fn::Not': (argument, scope) => !truth((argument as Json[])[0], scope),
  'Fn::Contains': (argument, scope) => {
    const [list, item] = pair('Fn::Contains', argument);
    return listOf('Fn::Contains', evaluate(list, scope))
      .map(String)
      .includes(String(evaluate(item, scope)));
  },
};

/** A condition's body: functions, or `{ Condition: name }`. */
export function truth(value: Json, scope: Scope): boolean {
  if (value !== null && typeof value === 'object' && typeof value.Condition === 'string')
    return scope.condition(value.Condition);
  return evaluate(value, scope) === true;
}

function ref(name: string, scope: Scope): Json {
  if (name === 'AWS::NoValue') return NO_VALUE;
  if (name.startsWith('AWS::')) return pseudoParameter(name, scope);
  return scope.parameters.has(name) ? scope.parameters.get(name) : scope.resource(name).ref;
}

function pseudoParameter(name: string, scope: Scope): Json {
  const china = scope.account.region.startsWith('cn-');
  const values: Record<string, Json> = {
    'AWS::AccountId': scope.account.accountId,
    'AWS::Region': scope.account.region,
    'AWS::Partition': china ? 'aws-cn' : 'aws',
    'AWS::URLSuffix': china ? 'amazonaws.com.cn' : 'amazonaws.com',
    'AWS::StackName': scope.stackName,
    'AWS::StackId': scope.stackId,
    'AWS::NotificationARNs': [],
  };
  if (!(name in values)) throw new Error(`there is no pseudo parameter ${name}`);
  return values[name];
}

function getAttribute(logicalId: string, attribute: string, scope: Scope): string {
  const { attributes } = scope.resource(logicalId);
  const value = attributes[attribute];
  if (value === undefined) {
    throw new Error(
      `Fn::GetAtt: the embedded runtime knows of ${logicalId} only ${list(Object.keys(attributes))}, not ${attribute}`,
    );
  }
  return value;
}

const PLACEHOLDER = /\$\{([^}]*)\}/g;

function substitute(argument: Json, scope: Scope): string {
  const [source, variables] = Array.isArray(argument) ? argument : [argument, {}];
  return String(source).replace(PLACEHOLDER, (_whole, inner: string) => {
    if (inner.startsWith('!')) return `\${${inner.slice(1)}}`; // "${!Literal}" is "${Literal}"
    const name = inner.trim();
    if (Object.hasOwn(variables, name)) return text(evaluate(variables[name], scope));
    const dot = name.indexOf('.');
    return text(dot > 0 ? getAttribute(name.slice(0, dot), name.slice(dot + 1), scope) : ref(name, scope));
  });
}

/**
 * The logical ids that a value needs to exist first. Of an `Fn::If` only the branch taken counts; parameters and pseudo
 * parameters are no resources.
 */
export function references(value: Json, scope: Scope, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) {
    for (const item of value) references(item, scope, found);
    return found;
  }
  if (value === null || typeof value !== 'object') return found;
  const name = intrinsicOf(value);
  const add = (id: string) => {
    if (!id.startsWith('AWS::') && !scope.parameters.has(id)) found.add(id);
  };
  if (name === 'Ref') add(value.Ref);
  else if (name === 'Fn::GetAtt') {
    const [logicalId, attribute] = attributeOf(value[name]);
    add(logicalId);
    references(attribute, scope, found);
  } else if (name === 'Fn::If') references(branchOf(value[name], scope), scope, found);
  else if (name === 'Fn::Sub') {
    const [source, variables] = Array.isArray(value[name]) ? value[name] : [value[name], {}];
    for (const [, inner] of String(source).matchAll(PLACEHOLDER)) {
      const id = inner!.trim().split('.')[0]!;
      if (!id.startsWith('!') && !Object.hasOwn(variables, inner!.trim())) add(id);
    }
    references(variables, scope, found);
  } else for (const inner of Object.values(value)) references(inner, scope, found);
  return found;
}

/** Every intrinsic function in a value that is not known here. */
export function unknownIntrinsics(value: Json, found: Set<string> = new Set()): Set<string> {
  if (value === null || typeof value !== 'object') return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key.startsWith('Fn::') && FUNCTIONS[key] === undefined) found.add(key);
    unknownIntrinsics(inner, found);
  }
  return found;
}

function attributeOf(argument: Json): [logicalId: string, attribute: Json] {
  if (Array.isArray(argument) && argument.length === 2) return [argument[0], argument[1]];
  const dot = String(argument).indexOf('.');
  if (typeof argument !== 'string' || dot < 1)
    throw new Error(`Fn::GetAtt takes a resource and an attribute, not ${JSON.stringify(argument)}`);
  return [argument.slice(0, dot), argument.slice(dot + 1)];
}

function branchOf(argument: Json, scope: Scope): Json {
  if (!Array.isArray(argument) || argument.length !== 3) throw new Error('Fn::If takes a condition and two values');
  return argument[scope.condition(argument[0]) ? 1 : 2];
}

function pair(name: string, argument: Json): [Json, Json] {
  if (!Array.isArray(argument) || argument.length !== 2) throw new Error(`${name} takes a list of two`);
  return [argument[0], argument[1]];
}

function listOf(name: string, value: Json): Json[] {
  if (!Array.isArray(value)) throw new Error(`${name} takes a list, not ${JSON.stringify(value)}`);
  return value;
}

function text(value: Json): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`text is needed here, not ${JSON.stringify(value)}`);
}

const list = (names: readonly string[]) => (names.length === 0 ? 'no attribute' : names.join(', '));

import type { Account, Json } from '../cloud.ts';
import type { Created } from '../resource.ts';
import { HostError } from './errors.ts';
import { references, resolve, type Scope, truth, unknownIntrinsics } from './intrinsics.ts';

/** A resource of a template, its properties not yet evaluated. */
export interface TemplateResource {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Json;
}

export interface TemplateInput {
  readonly stackName: string;
  readonly template: Json;
  readonly account: Account;
  readonly parameters: Readonly<Record<string, Json>>;
  /** What other stacks export. */
  importValue(name: string): string;
}

/** One template, ready to be made: its resources in an order in which each comes after those that it needs. */
export interface Template {
  readonly stackName: string;
  readonly stackId: string;
  readonly resources: readonly TemplateResource[];
  readonly parameters: ReadonlyMap<string, Json>;
  readonly description: string | undefined;
  /** Evaluates a resource's properties; everything it refers to must have been `made`. */
  propertiesOf(resource: TemplateResource): Json;
  /** Evaluates one value of this template. */
  evaluate(value: Json): Json;
  made(logicalId: string, created: Created): void;
  outputs(): readonly Output[];
}

export interface Output {
  readonly key: string;
  readonly value: string;
  readonly description: string | undefined;
  readonly exportName: string | undefined;
}

const SECTIONS = new Set([
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Rules',
  'Resources',
  'Outputs',
]);

/** What stands beside Type and Properties. Deletion and update policies act when a stack is deleted or updated: never here. */
const RESOURCE_ATTRIBUTES = new Set([
  'Type',
  'Properties',
  'DependsOn',
  'Metadata',
  'Condition',
  'DeletionPolicy',
  'UpdateReplacePolicy',
]);

/** What a template asks for beyond its resource types and properties that this runtime does not have; empty when nothing. */
export function unsupportedIn(template: Json): string[] {
  const problems: string[] = [];
  for (const section of Object.keys(template)) if (!SECTIONS.has(section)) problems.push(`template section ${section}`);
  for (const name of unknownIntrinsics(template)) problems.push(`intrinsic function ${name}`);
  for (const [logicalId, resource] of Object.entries<Json>(template.Resources ?? {})) {
    for (const attribute of Object.keys(resource)) {
      if (!RESOURCE_ATTRIBUTES.has(attribute))
        problems.push(`${logicalId} (${resource.Type}): resource attribute ${attribute}`);
    }
  }
  return problems;
}

/** Takes a template apart; nothing is created yet. */
export function openTemplate(input: TemplateInput): Template {
  const { template, stackName, account } = input;
  const at = <T>(place: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      if (error instanceof HostError) throw error;
      throw new HostError('local.template', { stack: stackName, at: place, problem: (error as Error).message });
    }
  };
  const created = new Map<string, Created>();
  const conditions = new Map<string, boolean>();
  const resources: Record<string, Json> = template.Resources ?? {};
  const parameters = at('Parameters', () => parameterValues(template.Parameters ?? {}, input.parameters));
  const scope: Scope = {
    stackName,
    stackId: `arn:aws:cloudformation:${account.region}:${account.accountId}:stack/${stackName}/${stackName}`,
    account,
    parameters,
    mappings: template.Mappings,
    condition(name) {
      const body = template.Conditions?.[name];
      if (body === undefined) throw new Error(`there is no condition ${name}`);
      const value = conditions.get(name) ?? truth(body, scope);
      conditions.set(name, value);
      return value;
    },
    resource(logicalId) {
      const found = created.get(logicalId);
      if (found !== undefined) return found;
      throw new Error(
        logicalId in resources ? `${logicalId} is not made: its condition is false` : `there is no ${logicalId}`,
      );
    },
    importValue: input.importValue,
  };
  for (const [name, rule] of Object.entries<Json>(template.Rules ?? {}))
    at(`rule ${name}`, () => assertRule(rule, scope));

  const present = Object.entries(resources).filter(([logicalId, { Condition }]) =>
    at(logicalId, () => Condition === undefined || scope.condition(Condition)),
  );
  const needs = new Map(
    present.map(([logicalId, resource]) => [
      logicalId,
      at(logicalId, () => [...references(resource.Properties, scope), ...[resource.DependsOn ?? []].flat()]),
    ]),
  );
  return {
    stackName,
    stackId: scope.stackId,
    parameters,
    description: template.Description,
    resources: inOrder(needs, stackName).map((logicalId) => ({
      logicalId,
      type: resources[logicalId].Type,
      properties: resources[logicalId].Properties ?? {},
    })),
    propertiesOf: (resource) =>
      at(`${resource.logicalId} (${resource.type})`, () => resolve(resource.properties, scope)),
    evaluate: (value) => at('value', () => resolve(value, scope)),
    made: (logicalId, what) => created.set(logicalId, what),
    outputs: () =>
      Object.entries<Json>(template.Outputs ?? {})
        .filter(([key, output]) =>
          at(`output ${key}`, () => output.Condition === undefined || scope.condition(output.Condition)),
        )
        .map(([key, output]) =>
          at(`output ${key}`, () => ({
            key,
            value: asText(resolve(output.Value, scope)),
            description: output.Description,
            exportName: output.Export === undefined ? undefined : asText(resolve(output.Export.Name, scope)),
          })),
        ),
  };
}

function parameterValues(declared: Record<string, Json>, given: Readonly<Record<string, Json>>): Map<string, Json> {
  const values = new Map<string, Json>();
  for (const name of Object.keys(given)) {
    if (!(name in declared)) throw new Error(`a value is given for ${name}, which is not declared`);
  }
  for (const [name, { Type, Default }] of Object.entries(declared)) {
    const value = given[name] ?? Default;
    if (value === undefined) throw new Error(`${name} has no value and no default`);
    values.set(name, parameterValue(name, Type, value));
  }
  return values;
}

function parameterValue(name: string, type: string, value: Json): Json {
  if (type.startsWith('AWS::SSM::Parameter::Value<')) {
    // The CDK's bootstrap stack keeps its version there; the newest contract is as good as met: nothing of it is used here.
    if (/^\/cdk-bootstrap\/[^/]+\/version$/.test(String(value))) return '30';
    throw new Error(`${name} reads the SSM parameter ${value}, and there is no Parameter Store here`);
  }
  if (type === 'String' || type === 'Number') return String(value);
  if (type === 'CommaDelimitedList' || type.startsWith('List<')) {
    return Array.isArray(value)
      ? value
      : String(value)
          .split(',')
          .map((item) => item.trim());
  }
  throw new Error(`${name} has the type ${type}, which the embedded runtime does not have`);
}

function assertRule(rule: Json, scope: Scope): void {
  if (rule.RuleCondition !== undefined && !truth(rule.RuleCondition, scope)) return;
  for (const { Assert, AssertDescription } of rule.Assertions) {
    if (!truth(Assert, scope)) throw new Error(AssertDescription ?? 'its assertion does not hold');
  }
}

/** Depth first in the template's own order; a cycle is reported by the names on it. */
function inOrder(needs: ReadonlyMap<string, readonly string[]>, stack: string): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (logicalId: string) => {
    if (done.has(logicalId) || !needs.has(logicalId)) return;
    const again = path.indexOf(logicalId);
    if (again >= 0) throw new HostError('local.cycle', { stack, path: [...path.slice(again), logicalId] });
    path.push(logicalId);
    for (const needed of needs.get(logicalId)!) visit(needed);
    path.pop();
    done.add(logicalId);
  };
  for (const logicalId of needs.keys()) visit(logicalId);
  return [...done];
}

function asText(value: Json): string {
  if (value === undefined || value === null) throw new Error('it has no value');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

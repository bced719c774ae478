import { bank, resourcesOf } from './bank-template.ts';

/** Every allow of every role, as lines a person can read: role → `actions on resource`. */
export function grantsByRole(): Record<string, string[]> {
  const grants: Record<string, string[]> = {};
  const add = (roleId: string, statements: Statement[]) => {
    const lines = grants[pathOf(roleId)] ?? [];
    grants[pathOf(roleId)] = lines;
    for (const statement of statements) {
      if (statement.Condition !== undefined) throw new Error('a condition: render it here first');
      const actions = listOf(statement.Action).join(' ');
      for (const resource of listOf(statement.Resource))
        lines.push(`${statement.Effect} ${actions} on ${render(resource)}`);
    }
  };
  for (const [id, role] of resourcesOf('AWS::IAM::Role')) {
    grants[pathOf(id)] ??= [];
    if (role.Properties.ManagedPolicyArns !== undefined) throw new Error(`${pathOf(id)} has managed policies`);
    for (const policy of role.Properties.Policies ?? []) add(id, policy.PolicyDocument.Statement);
  }
  for (const [, policy] of resourcesOf('AWS::IAM::Policy')) {
    for (const role of policy.Properties.Roles) add(role.Ref, policy.Properties.PolicyDocument.Statement);
  }
  for (const lines of Object.values(grants)) lines.sort();
  return grants;
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** A resource's construct path, without the stack and without what CDK calls every leaf. */
export function pathOf(logicalId: string): string {
  const path = bank().resources[logicalId]?.Metadata?.['aws:cdk:path'];
  if (typeof path !== 'string') return logicalId;
  return path.replace(/^Bank\//, '').replace(/\/Resource$/, '');
}

/** An intrinsic function as text: a reference becomes the construct's path. */
export function render(value: unknown): string {
  if (typeof value === 'string') return value;
  const object = value as Record<string, unknown>;
  if (typeof object.Ref === 'string')
    return object.Ref.startsWith('AWS::') ? `<${object.Ref.slice(5)}>` : pathOf(object.Ref);
  if (Array.isArray(object['Fn::GetAtt'])) {
    const [id, attribute] = object['Fn::GetAtt'] as [string, string];
    return attribute === 'Arn' ? pathOf(id) : `${pathOf(id)}.${attribute}`;
  }
  if (Array.isArray(object['Fn::Join'])) {
    const [separator, parts] = object['Fn::Join'] as [string, unknown[]];
    return parts.map(render).join(separator);
  }
  throw new Error(`not rendered yet: ${JSON.stringify(value)}`);
}

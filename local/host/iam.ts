import { type Account, type Authorize, type Caller, type Json, ServiceError, type ServiceName } from '../cloud.ts';
import { credentialsFor } from '../lambda/credentials.ts';
import type { ResourceProvider } from '../resource.ts';
import { type Requirement, requirementsOf } from './iam-actions.ts';
import { MANAGED_POLICIES } from './iam-managed.ts';
import { type Context, type Identity, readPolicy, type Statement, unsupportedInPolicy } from './iam-policy.ts';

/** The policies of one account: who may do what. */
export interface Iam {
  /** Providers of roles and policies. */
  readonly resources: readonly ResourceProvider[];
  readonly authorize: Authorize;
  /** Fails when a service that is to act as a role may not assume it. */
  assertAssumable(roleArn: string, service: string): void;
  /** The role whose credentials an access key id stands for. */
  roleOfAccessKey(accessKeyId: string): string | undefined;
}

interface Role {
  readonly arn: string;
  readonly name: string;
  readonly trust: readonly Statement[];
  readonly boundary: readonly Statement[] | undefined;
  readonly statements: Statement[];
}

type Verdict = 'allowed' | 'identity denies' | 'resource denies' | 'boundary' | 'no identity' | 'no resource';

/**
 * @param resourcePolicyOf the policy that hangs on a resource now (its ARN without index, object or version), as a document
 * or its text.
 * @param log told once of each role that no template has. There is no IAM here to make one with, so what was made by hand
 * under such a role (`CreateStateMachine`, `CreateFunction`) may do everything that no resource's policy denies.
 */
export function createIam(
  account: Account,
  resourcePolicyOf: (arn: string) => Json | undefined,
  log: (line: string) => void = () => {},
): Iam {
  const strangers = new Set<string>();
  const roles = new Map<string, Role>(); // by ARN
  const keys = new Map<string, string>();
  const documents = new Map<string, readonly Statement[]>(); // resource policies, by their text
  const verdicts = new Map<string, { readonly policy: string | undefined; readonly verdict: Verdict }>();
  const customerPolicies = new Map<string, Statement[]>();
  const arnOf = (kind: string, path: string, name: string) => `arn:aws:iam::${account.accountId}:${kind}${path}${name}`;

  const managedPolicy = (arn: string): readonly Statement[] => {
    const own = customerPolicies.get(arn);
    if (own !== undefined) return own;
    const known = MANAGED_POLICIES[arn.replace(/^arn:[^:]+:iam::aws:policy\//, '')];
    if (known === undefined) throw new Error(`the managed policy ${arn} is not known here: write its statements out`);
    return readPolicy(known);
  };
  const addPolicy = (roleName: string, statements: readonly Statement[]) => {
    const role = [...roles.values()].find(({ name }) => name === roleName);
    if (role === undefined) throw new Error(`there is no role ${roleName} in the assembly to attach it to`);
    role.statements.push(...statements);
    verdicts.clear();
  };
  const policyOn = (resource: string | undefined): string | undefined => {
    const policy = resource === undefined ? undefined : resourcePolicyOf(ownerOf(resource));
    return policy === undefined || typeof policy === 'string' ? policy : JSON.stringify(policy);
  };
  const statementsOf = (policy: string | undefined): readonly Statement[] => {
    if (policy === undefined) return [];
    const known = documents.get(policy);
    if (known !== undefined) return known;
    const document = JSON.parse(policy);
    const problems = unsupportedInPolicy(document);
    if (problems.length > 0)
      throw new Error(`a resource policy holds what is not supported here: ${problems.join(', ')}`);
    const statements = readPolicy(document);
    documents.set(policy, statements);
    return statements;
  };

  const role: ResourceProvider = {
    type: 'AWS::IAM::Role',
    properties: [
      'AssumeRolePolicyDocument',
      'ManagedPolicyArns',
      'Path',
      'PermissionsBoundary',
      'Policies',
      'RoleName',
    ],
    without: {
      Description: 'a note',
      MaxSessionDuration: 'local credentials never expire',
      Tags: 'nothing reads them',
    },
    create(properties, { generatedName }) {
      const name = properties.RoleName ?? generatedName;
      const arn = arnOf('role', properties.Path ?? '/', name);
      const made: Role = {
        arn,
        name,
        trust: readPolicy(properties.AssumeRolePolicyDocument),
        boundary:
          properties.PermissionsBoundary === undefined ? undefined : managedPolicy(properties.PermissionsBoundary),
        statements: [
          ...(properties.ManagedPolicyArns ?? []).flatMap(managedPolicy),
          ...(properties.Policies ?? []).flatMap((policy: Json) => readPolicy(policy.PolicyDocument)),
        ],
      };
      roles.set(arn, made);
      const { accessKeyId } = credentialsFor(arn);
      keys.set(accessKeyId, arn);
      verdicts.clear();
      return { ref: name, attributes: { Arn: arn, RoleId: `AROA${accessKeyId.slice(3)}` } };
    },
  };
  const policy: ResourceProvider = {
    type: 'AWS::IAM::Policy',
    properties: ['PolicyDocument', 'PolicyName', 'Roles'],
    create(properties) {
      const statements = readPolicy(properties.PolicyDocument);
      for (const name of properties.Roles ?? []) addPolicy(name, statements);
      return { ref: properties.PolicyName, attributes: { Id: properties.PolicyName } };
    },
  };
  const managed: ResourceProvider = {
    type: 'AWS::IAM::ManagedPolicy',
    properties: ['ManagedPolicyName', 'Path', 'PolicyDocument', 'Roles'],
    without: { Description: 'a note' },
    create(properties, { generatedName }) {
      const arn = arnOf('policy', properties.Path ?? '/', properties.ManagedPolicyName ?? generatedName);
      const statements = readPolicy(properties.PolicyDocument);
      customerPolicies.set(arn, statements);
      for (const name of properties.Roles ?? []) addPolicy(name, statements);
      return { ref: arn, attributes: { PolicyArn: arn } };
    },
  };

  const judge = (
    identity: Identity,
    owner: Role | undefined,
    requirement: Requirement,
    caller: Caller,
    policy: string | undefined,
  ): Verdict => {
    const context: Context = {
      'aws:securetransport': 'true', // traffic that never leaves the machine counts as secure
      'aws:requestedregion': account.region,
      'aws:resourceaccount': account.accountId,
      ...(identity.kind === 'service'
        ? {
            'aws:sourcearn': caller.sourceArn,
            'aws:sourceaccount': account.accountId,
            'aws:principalisawsservice': 'true',
          }
        : {
            'aws:principalarn': identity.id,
            'aws:principalaccount': account.accountId,
            'aws:principaltype': identity.kind === 'root' ? 'Account' : 'AssumedRole',
            'aws:principalisawsservice': 'false',
          }),
      ...requirement.context,
    };
    const about = (statement: Statement) =>
      statement.action(requirement.action) && statement.resource(requirement.resource) && statement.condition(context);
    const identityStatements = (owner?.statements ?? []).filter(about);
    const resourceStatements = statementsOf(policy).filter(
      (statement) => statement.principal(identity) && about(statement),
    );
    const has = (effect: string) => (statement: Statement) => statement.effect === effect;
    if (identityStatements.some(has('Deny'))) return 'identity denies';
    if (resourceStatements.some(has('Deny'))) return 'resource denies';
    if (identity.kind === 'root') return 'allowed';
    if (resourceStatements.some(has('Allow'))) return 'allowed';
    if (identity.kind === 'service') return 'no resource';
    if (owner === undefined) {
      if (!strangers.has(identity.id)) log(`iam: no template has the role ${identity.id}: it may do everything`);
      strangers.add(identity.id);
      return 'allowed';
    }
    if (!identityStatements.some(has('Allow'))) return 'no identity';
    const boundary = owner?.boundary?.filter(about);
    if (boundary?.some(has('Deny')) === true || boundary?.some(has('Allow')) === false) return 'boundary';
    return 'allowed';
  };

  return {
    resources: [role, policy, managed],
    authorize(caller, service, operation, input) {
      const identity = identityOf(caller, account);
      for (const requirement of requirementsOf(service, operation, input, account)) {
        const { action, resource, context } = requirement;
        const key = `${caller.principal}\n${caller.sourceArn}\n${action}\n${resource}\n${context === undefined ? '' : JSON.stringify(context)}`;
        const policy = policyOn(resource);
        const known = verdicts.get(key);
        const isKnown = known !== undefined && known.policy === policy;
        const verdict = isKnown ? known.verdict : judge(identity, roles.get(identity.id), requirement, caller, policy);
        if (verdicts.size > 10_000) verdicts.clear();
        if (!isKnown) verdicts.set(key, { policy, verdict });
        if (verdict !== 'allowed')
          throw accessDenied(service, who(identity, roles.get(identity.id), account), requirement, verdict);
      }
    },
    assertAssumable(roleArn, service) {
      const found = roles.get(roleArn);
      if (found === undefined)
        throw new Error(`the role ${roleArn} is not part of the assembly, so its policies are unknown`);
      const identity: Identity = { kind: 'service', id: service, accountId: account.accountId };
      const trusts = (effect: string) =>
        found.trust.some((s) => s.effect === effect && s.action('sts:AssumeRole') && s.principal(identity));
      if (!trusts('Allow') || trusts('Deny')) throw new Error(`the role ${found.name} cannot be assumed by ${service}`);
    },
    roleOfAccessKey: (accessKeyId) => keys.get(accessKeyId),
  };
}

function identityOf({ principal }: Caller, { accountId }: Account): Identity {
  if (principal === 'root') return { kind: 'root', id: `arn:aws:iam::${accountId}:root`, accountId };
  if (principal.startsWith('service:')) return { kind: 'service', id: principal.slice('service:'.length), accountId };
  return { kind: 'role', id: principal, accountId };
}

/** As AWS names a caller in its messages; the session's name is not known here. */
function who(identity: Identity, role: Role | undefined, { accountId }: Account): string {
  if (identity.kind === 'service') return `Service: ${identity.id}`;
  if (identity.kind === 'root') return `User: ${identity.id}`;
  return `User: arn:aws:sts::${accountId}:assumed-role/${role?.name ?? identity.id.split('/').pop()}/local`;
}

/** "Troubleshoot access denied error messages" (IAM user guide) has these sentences. */
function accessDenied(
  service: ServiceName,
  name: string,
  { action, resource }: Requirement,
  verdict: Verdict,
): ServiceError {
  const reasons: Readonly<Record<Exclude<Verdict, 'allowed'>, string>> = {
    'identity denies': 'with an explicit deny in an identity-based policy',
    'resource denies': 'with an explicit deny in a resource-based policy',
    boundary: `because no permissions boundary allows the ${action} action`,
    'no identity': `because no identity-based policy allows the ${action} action`,
    'no resource': `because no resource-based policy allows the ${action} action`,
  };
  const target = resource === undefined || resource === '*' ? '' : ` on resource: ${resource}`;
  const message = `${name} is not authorized to perform: ${action}${target} ${reasons[verdict as keyof typeof reasons]}`;
  const code = service === 's3' ? 'AccessDenied' : 'AccessDeniedException';
  return new ServiceError(code, message, { status: service === 's3' || service === 'lambda' ? 403 : 400 });
}

/** A table's policy is also about its indexes, a bucket's about its objects, a function's about its versions. */
function ownerOf(resource: string): string {
  return resource
    .replace(/^(arn:aws:dynamodb:[^/]+\/[^/]+)\/index\/.*$/, '$1')
    .replace(/^(arn:aws:s3:::[^/]+)\/.*$/s, '$1')
    .replace(/^(arn:aws:lambda:[^:]+:[^:]+:function:[^:]+):.*$/, '$1');
}

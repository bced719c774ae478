import { type Account, type Json, ServiceError } from '../cloud.ts';
import { functionArn } from './function-name.ts';
import type { FunctionRecord } from './function-registry.ts';
import { refuseUnknown } from './unsupported.ts';

/** Adds a statement to a function's resource policy, as AddPermission builds it; gives the statement. */
export function addPermission(
  account: Account,
  record: FunctionRecord,
  qualifier: string | undefined,
  input: Json,
): Json {
  refuseUnknown('AddPermission', input, [
    'FunctionName',
    'StatementId',
    'Action',
    'Principal',
    'SourceArn',
    'SourceAccount',
    'PrincipalOrgID',
    'Qualifier',
  ]);
  if (record.policy.has(input.StatementId)) {
    throw new ServiceError(
      'ResourceConflictException',
      `The statement id (${input.StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
      { status: 409 },
    );
  }
  const condition: Record<string, Json> = {
    ...(input.SourceArn !== undefined && { ArnLike: { 'AWS:SourceArn': input.SourceArn } }),
    ...((input.SourceAccount !== undefined || input.PrincipalOrgID !== undefined) && {
      StringEquals: {
        ...(input.SourceAccount !== undefined && { 'AWS:SourceAccount': input.SourceAccount }),
        ...(input.PrincipalOrgID !== undefined && { 'aws:PrincipalOrgID': input.PrincipalOrgID }),
      },
    }),
  };
  const statement = {
    Sid: input.StatementId,
    Effect: 'Allow',
    Principal: principalOf(input.Principal),
    Action: input.Action,
    Resource: functionArn(account, record.name, qualifier),
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  };
  record.policy.set(input.StatementId, statement);
  return statement;
}

function principalOf(principal: string): Json {
  if (principal === '*') return '*';
  if (/^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(principal)) return { Service: principal };
  return { AWS: /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal };
}

/** The function's resource policy, or undefined when it has no statement. */
export function policyOf(record: FunctionRecord): Json | undefined {
  if (record.policy.size === 0) return undefined;
  return { Version: '2012-10-17', Id: 'default', Statement: [...record.policy.values()] };
}

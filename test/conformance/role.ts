import { NotJudged, type Target } from './suite.ts';

/** The role of the embedded runtime that may do everything; `CONFORMANCE_ROLE_ARN` names that of an account. */
export const LOCAL_ROLE = 'conformance';
export const ROLE = process.env.CONFORMANCE_ROLE_ARN ?? `arn:aws:iam::000000000000:role/${LOCAL_ROLE}`;

/** For cases in which a service acts in the role's name: an account has to bring one, which the services may assume. */
export function roleOf({ name, config }: Target): string {
  if (process.env.CONFORMANCE_ROLE_ARN === undefined && config.endpoint === undefined)
    throw new NotJudged(`${name} needs CONFORMANCE_ROLE_ARN, a role for Lambda, Firehose and Pipes`);
  return ROLE;
}

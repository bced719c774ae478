import { NotJudged, type Target } from './suite.ts';

/** The role of the embedded runtime that may do everything; an account has to bring one. */
export const LOCAL_ROLE = 'conformance';

/** For cases in which a service acts in the role's name. */
export function roleOf({ name, role, config }: Target): string {
  const given = role ?? process.env.CONFORMANCE_ROLE_ARN;
  if (given !== undefined) return given;
  if (config.endpoint !== undefined) return `arn:aws:iam::000000000000:role/${LOCAL_ROLE}`;
  throw new NotJudged(`${name} needs a role for Lambda, Firehose, Pipes and Step Functions (CONFORMANCE_ROLE_ARN)`);
}

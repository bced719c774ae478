import { createHash } from 'node:crypto';

export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/**
 * Credentials that stand for a role: the access key id is a digest of the role's ARN, so that the HTTP front knows
 * who calls without a table of sessions. They are no secret: signatures are not checked on the loopback port.
 *
 * @example credentialsFor('arn:aws:iam::000000000000:role/app').accessKeyId; // 'DBK' and 17 characters
 */
export function credentialsFor(roleArn: string): RoleCredentials {
  const digest = createHash('sha256').update(roleArn).digest('hex').toUpperCase();
  return {
    accessKeyId: `DBK${digest.slice(0, 17)}`,
    secretAccessKey: digest.slice(24, 64),
    sessionToken: Buffer.from(roleArn).toString('base64'),
  };
}

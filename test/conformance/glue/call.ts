import { createHash, createHmac } from 'node:crypto';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Json } from '../../../local/cloud.ts';
import type { Target } from '../suite.ts';

/**
 * A call of Glue, whose client is no dependency: JSON 1.1, signed with the credentials of the target.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export async function callGlue(target: Target, operation: string, input: Json): Promise<Json> {
  const { config } = new SQSClient(target.config);
  const [region, credentials] = [await config.region(), await config.credentials()];
  const url = new URL(target.config.endpoint ?? `https://glue.${region}.amazonaws.com`);
  const body = JSON.stringify(input);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: url.host,
    'x-amz-date': time,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
    'x-amz-target': `AWSGlue.${operation}`,
  };
  const names = Object.keys(headers).sort();
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ];
  const scope = `${time.slice(0, 8)}/${region}/glue/aws4_request`;
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical.join('\n'))].join('\n');
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${hmac(key, toSign).toString('hex')}`;
  const { host: _, ...sent } = headers;
  const answer = await fetch(url, { method: 'POST', body, headers: { ...sent, authorization } });
  const output: Json = JSON.parse((await answer.text()) || '{}');
  if (answer.ok) return output;
  const name = String(output.__type ?? answer.status).replace(/^.*#/, '');
  throw Object.assign(new Error(output.Message ?? output.message ?? name), { name });
}

/** Makes a database, and leaves nothing behind. */
export async function withDatabase(target: Target, Name: string, play: () => Promise<void>): Promise<void> {
  await callGlue(target, 'CreateDatabase', { DatabaseInput: { Name }, ...(target.tags && { Tags: target.tags }) });
  const remove = () => callGlue(target, 'DeleteDatabase', { Name });
  const removed = target.note?.('database of Glue', Name, remove);
  try {
    await play();
  } finally {
    await remove();
    removed?.();
  }
}

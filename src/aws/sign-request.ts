import crypto from 'node:crypto';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Headers = Readonly<Record<string, string>>;

/** How a request was signed: for whom, and which of its headers. */
export interface Signing {
  readonly region: string;
  readonly service: string;
  /** In lower case, sorted. */
  readonly names: readonly string[];
  readonly method: string;
  readonly path: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[^/,]+\/\d{8}\/([^/,]+)\/([^/,]+)\/aws4_request, SignedHeaders=([^,]+), Signature=/;
const TOKEN = 'x-amz-security-token';

/**
 * How this request was signed, read from it. Undefined where signing it again in the same way would not come to the same signature: then the SDK signs in a
 * way that is not known here.
 */
export function signingOf(
  request: { readonly headers: Headers; readonly method: string; readonly path: string; readonly body: Uint8Array },
  credentials: Credentials,
): Signing | undefined {
  const { headers, method, path, body } = request;
  const { authorization = '', 'x-amz-date': longDate = '' } = headers;
  const [, region, service, names] = AUTHORIZATION.exec(authorization) ?? [];
  if (region === undefined || service === undefined || names === undefined) return undefined;
  const signing = { region, service, names: names.split(';'), method, path };
  return authorizationOf(signing, credentials, headers, longDate, sha256(body)) === authorization ? signing : undefined;
}

/**
 * Adds date, hash and signature to the headers, by AWS Signature Version 4 ("Create a signed AWS API request", IAM User Guide). False, with nothing
 * done, when these credentials have a token and those before had none, or the other way round.
 */
export function signAlike(
  signing: Signing,
  credentials: Credentials,
  at: number,
  headers: Record<string, string>,
  body: Uint8Array,
): boolean {
  const { sessionToken } = credentials;
  if ((sessionToken !== undefined) !== signing.names.includes(TOKEN)) return false;
  const longDate = longDateOf(Math.floor(at / 1000));
  const hash = sha256(body);
  headers['x-amz-date'] = longDate;
  headers['x-amz-content-sha256'] = hash;
  if (sessionToken !== undefined) headers[TOKEN] = sessionToken;
  headers.authorization = authorizationOf(signing, credentials, headers, longDate, hash);
  return true;
}

function authorizationOf(
  { region, service, names, method, path }: Signing,
  credentials: Credentials,
  headers: Headers,
  longDate: string,
  hash: string,
): string {
  const day = longDate.slice(0, 8);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const signedHeaders = names.join(';');
  let lines = '';
  for (const name of names) lines += `${name}:${headers[name]}\n`;
  const canonical = `${method}\n${path}\n\n${lines}\n${signedHeaders}\n${hash}`;
  const toSign = `${ALGORITHM}\n${longDate}\n${scope}\n${sha256(canonical)}`;
  const signature = crypto
    .createHmac('sha256', keyOf(credentials, day, region, service))
    .update(toSign)
    .digest('hex');
  return `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

let dated: { readonly second: number; readonly text: string } | undefined;

function longDateOf(second: number): string {
  if (dated?.second !== second) {
    const text = `${new Date(second * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
    dated = { second, text };
  }
  return dated.text;
}

/** A key is good for a day: the last one is kept. */
let kept: { readonly of: string; readonly key: Buffer } | undefined;

function keyOf({ secretAccessKey }: Credentials, day: string, region: string, service: string): Buffer {
  const of = `${secretAccessKey} ${day} ${region} ${service}`;
  if (kept?.of !== of) {
    let key: string | Buffer = `AWS4${secretAccessKey}`;
    for (const part of [day, region, service, 'aws4_request'])
      key = crypto.createHmac('sha256', key).update(part).digest();
    kept = { of, key: key as Buffer };
  }
  return kept.key;
}

/** At once where Node can (20.12 and on): an object for each hash takes half of its time. */
const sha256: (content: string | Uint8Array) => string =
  crypto.hash === undefined
    ? (content) => crypto.createHash('sha256').update(content).digest('hex')
    : (content) => crypto.hash('sha256', content);

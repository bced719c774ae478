import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller, Cloud } from '../cloud.ts';
import { answerJson } from './http-json.ts';
import type { Answer, Request } from './http-message.ts';
import { answerQuery } from './http-query.ts';
import { answerRest, restServiceOf } from './http-rest.ts';
import { openLoopbackPort } from './loopback-port.ts';

export interface HttpOptions {
  readonly cloud: Cloud;
  /** A free one when it isn't given. */
  readonly port?: number | undefined;
  /** The role that an access key id stands for; other keys are the person at the laptop. */
  roleOfAccessKey(accessKeyId: string): string | undefined;
  /** Answers what is neither JSON nor query nor Lambda nor Pipes. */
  s3(request: Request, caller: Caller): Promise<Answer>;
  defect(error: unknown): void;
}

export interface HttpFront {
  readonly endpoint: string;
  readonly port: number;
  /** How many requests are being answered. */
  inFlight(): number;
  stop(): Promise<void>;
}

/** The largest body taken: S3 objects, and everything else (a PutRecords of 10 MiB is 14 MiB of base64 text). */
const MAXIMUM_OBJECT = 512 * 1024 * 1024;
const MAXIMUM_BODY = 32 * 1024 * 1024;

/** The one port of the runtime, on the loopback interface only. */
export async function startHttp(options: HttpOptions): Promise<HttpFront> {
  let inFlight = 0;
  const { port, close } = await openLoopbackPort(options.port ?? 0, async (message, response) => {
    inFlight++;
    try {
      await answer(options, message, response);
    } catch (error) {
      options.defect(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    } finally {
      inFlight--;
    }
  });
  return { endpoint: `http://127.0.0.1:${port}`, port, inFlight: () => inFlight, stop: close };
}

async function answer(options: HttpOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = crypto.randomUUID();
  const send = (result: Answer) => {
    const body = typeof result.body === 'string' ? Buffer.from(result.body) : result.body;
    const bodyless = message.method === 'HEAD' || result.status === 204 || result.status === 304;
    response.writeHead(result.status, {
      'x-amzn-requestid': requestId,
      'x-amz-request-id': requestId,
      ...(!bodyless && { 'content-length': String(body.length) }),
      ...result.headers,
    });
    response.end(bodyless ? undefined : body);
  };
  const stranger = strangerIn(message);
  if (stranger !== undefined) {
    send(refusal(403, 'AccessDenied', `The embedded runtime answers this machine only, and ${stranger}`));
    message.resume();
    return;
  }
  const [path, search] = addressOf(message.url ?? '/');
  const query = new URLSearchParams(search);
  const signed = signatureOf(message, query);
  const target = message.headers['x-amz-target']?.toString();
  const form = String(message.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  const rest = signed?.service === 'lambda' || signed?.service === 'pipes' ? signed.service : restServiceOf(path);
  const isS3 =
    target === undefined && (signed?.service === 's3' || (!form && rest === undefined && !query.has('Action')));
  const body = await readBody(message, isS3 ? MAXIMUM_OBJECT : MAXIMUM_BODY);
  if (body === undefined) {
    if (message.httpVersionMajor === 1) response.setHeader('connection', 'close');
    const maximum = isS3 ? MAXIMUM_OBJECT : MAXIMUM_BODY;
    send(refusal(413, isS3 ? 'EntityTooLarge' : 'RequestEntityTooLargeException', `The body is over ${maximum} bytes`));
    return;
  }
  const request: Request = {
    method: message.method ?? 'GET',
    path,
    query,
    headers: message.headers,
    body,
    defect: options.defect,
  };
  const role = signed === undefined ? undefined : options.roleOfAccessKey(signed.accessKeyId);
  const caller: Caller = { principal: role ?? 'root' };
  if (message.headers['smithy-protocol'] !== undefined || String(message.headers['content-type']).includes('cbor')) {
    send(refusal(400, 'UnknownOperationException', 'The embedded runtime speaks the JSON protocols, not CBOR'));
  } else if (target !== undefined) {
    send(await answerJson(options.cloud, caller, target, request));
  } else if (isS3 && (signed === undefined || signed.service === 's3')) {
    send(await options.s3(request, caller));
  } else if (rest !== undefined && (signed === undefined || signed.service === rest)) {
    send(await answerRest(options.cloud, caller, rest, request));
  } else if (form || query.has('Action')) {
    send(await answerQuery(options.cloud, caller, signed?.service, request));
  } else {
    send(refusal(404, 'UnknownOperationException', `${signed?.service ?? path} is not hosted here`));
  }
}

/** Path and query as they came: a key may hold `..` and `//`, which a URL parser would fold away. */
function addressOf(target: string): [path: string, search: string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** A refusal that any client can read: the code in a header, in JSON's `__type`. */
function refusal(status: number, code: string, message: string): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, message }),
  };
}

const LOOPBACK = /^(localhost|[^:]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * A web page anywhere could send requests to this port, by its own fetch (`Origin`, `Sec-Fetch-Site`) or by a name of its
 * own that resolves to 127.0.0.1 (`Host`, "DNS rebinding"). Both are refused.
 */
function strangerIn({ headers }: IncomingMessage): string | undefined {
  const host = headers.host ?? headers[':authority']?.toString(); // as HTTP/2 calls it
  if (host === undefined || !LOOPBACK.test(host)) return `the Host header is ${host ?? 'missing'}`;
  const { origin } = headers;
  if (origin !== undefined && !LOOPBACK.test(origin.replace(/^https?:\/\//, '')))
    return `the Origin header is ${origin}`;
  if (headers['sec-fetch-site'] === 'cross-site') return 'a page of another site sent this';
  return undefined;
}

/** Whose key it is and for which service it was signed. Signatures are not verified: the port is on this machine only. */
function signatureOf(
  { headers }: IncomingMessage,
  query: URLSearchParams,
): { accessKeyId: string; service: string } | undefined {
  const credential =
    headers.authorization?.match(/Credential=([^,\s]+)/)?.[1] ?? query.get('X-Amz-Credential') ?? undefined;
  const [accessKeyId, , , service] = credential?.split('/') ?? [];
  return accessKeyId === undefined || service === undefined ? undefined : { accessKeyId, service };
}

/** The whole body, or undefined when it is larger than allowed. */
async function readBody(message: IncomingMessage, maximum: number): Promise<Buffer | undefined> {
  if (Number(message.headers['content-length'] ?? 0) > maximum) {
    message.resume();
    return undefined;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maximum) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

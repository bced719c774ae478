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

/** The largest body taken: S3 objects, a function's archive in base64, and everything else (a PutRecords of 10 MiB is 14 MiB of base64). */
const MAXIMUM_OBJECT = 512 * 1024 * 1024;
const MAXIMUM_CODE = 70_167_211;
const MAXIMUM_BODY = 32 * 1024 * 1024;

/** The one port of the runtime, on the loopback interface only. */
export async function startHttp(options: HttpOptions): Promise<HttpFront> {
  let inFlight = 0;
  const { port, close } = await openLoopbackPort(options.port ?? 0, async (message, response) => {
    inFlight++;
    try {
      await answer(options, message, response);
    } catch (error) {
      if (message.destroyed && !message.complete) return; // the client went away
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
  const [path, search] = addressOf(message.url ?? '/');
  const query = new URLSearchParams(search);
  const signed = signatureOf(message, query);
  const route = routeOf(message, path, query, signed);
  const maximum = route.kind === 's3' ? MAXIMUM_OBJECT : route.kind === 'rest' ? MAXIMUM_CODE : MAXIMUM_BODY;
  const body = await readBody(message, maximum);
  if (body === undefined) {
    if (message.httpVersionMajor === 1) response.setHeader('connection', 'close');
    const code = route.kind === 's3' ? 'EntityTooLarge' : 'RequestEntityTooLargeException';
    return send(message, response, refusal(413, code, `The body is over ${maximum} bytes`));
  }
  const { method = 'GET', headers } = message;
  const request: Request = { method, path, query, headers, body, defect: options.defect };
  const role = signed === undefined ? undefined : options.roleOfAccessKey(signed.accessKeyId);
  send(message, response, await follow(route, options, { principal: role ?? 'root' }, request));
}

type Route =
  | { readonly kind: 'json'; readonly target: string }
  | { readonly kind: 's3' }
  | { readonly kind: 'rest'; readonly service: 'lambda' | 'pipes' }
  | { readonly kind: 'query'; readonly service: string | undefined }
  | { readonly kind: 'refused'; readonly answer: Answer };

/** Which protocol a request speaks: a target header, the service that it was signed for, or else what its path looks like. */
function routeOf(message: IncomingMessage, path: string, query: URLSearchParams, signed: Signature | undefined): Route {
  const stranger = strangerIn(message);
  if (stranger !== undefined) {
    const text = `The embedded runtime answers this machine only, and ${stranger}`;
    return { kind: 'refused', answer: refusal(403, 'AccessDenied', text) };
  }
  const contentType = message.headers['content-type'] ?? '';
  if (message.headers['smithy-protocol'] !== undefined || contentType.includes('cbor')) {
    const text = 'The embedded runtime speaks the JSON protocols, not CBOR';
    return { kind: 'refused', answer: refusal(400, 'UnknownOperationException', text) };
  }
  const target = message.headers['x-amz-target']?.toString();
  if (target !== undefined) return { kind: 'json', target };
  const service = signed?.service;
  if (service === 's3') return { kind: 's3' };
  if (service === 'lambda' || service === 'pipes') return { kind: 'rest', service };
  if (contentType.startsWith('application/x-www-form-urlencoded') || query.has('Action'))
    return { kind: 'query', service };
  if (service !== undefined) {
    const text = `${service} is not hosted here`;
    return { kind: 'refused', answer: refusal(404, 'UnknownOperationException', text) };
  }
  const rest = restServiceOf(path);
  return rest === undefined ? { kind: 's3' } : { kind: 'rest', service: rest };
}

async function follow(route: Route, options: HttpOptions, caller: Caller, request: Request): Promise<Answer> {
  switch (route.kind) {
    case 'json':
      return await answerJson(options.cloud, caller, route.target, request);
    case 's3':
      return await options.s3(request, caller);
    case 'rest':
      return await answerRest(options.cloud, caller, route.service, request);
    case 'query':
      return await answerQuery(options.cloud, caller, route.service, request);
    case 'refused':
      return route.answer;
  }
}

function send(message: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  const requestId = crypto.randomUUID();
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const bodyless = message.method === 'HEAD' || status === 204 || status === 304;
  response.writeHead(status, {
    'x-amzn-requestid': requestId,
    'x-amz-request-id': requestId,
    ...(!bodyless && { 'content-length': String(bytes.length) }),
    ...headers,
  });
  response.end(bodyless ? undefined : bytes);
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

interface Signature {
  readonly accessKeyId: string;
  readonly service: string;
}

/** Whose key it is and for which service it was signed. Signatures are not verified: the port is on this machine only. */
function signatureOf({ headers }: IncomingMessage, query: URLSearchParams): Signature | undefined {
  const credential =
    headers.authorization?.match(/Credential=([^,\s]+)/)?.[1] ?? query.get('X-Amz-Credential') ?? undefined;
  const [accessKeyId, , , service] = credential?.split('/') ?? [];
  return accessKeyId === undefined || service === undefined ? undefined : { accessKeyId, service };
}

/** The whole body, or undefined when it is larger than allowed: what comes after that is dropped. */
function readBody(message: IncomingMessage, maximum: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const tooLarge = () => {
      chunks.length = 0;
      resolve(undefined);
    };
    if (Number(message.headers['content-length'] ?? 0) > maximum) tooLarge();
    message.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maximum) tooLarge();
      else chunks.push(chunk);
    });
    message.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    message.on('error', reject);
  });
}

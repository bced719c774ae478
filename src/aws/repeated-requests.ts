import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Credentials, type Signing, signAlike, signingOf } from './sign-request.ts';

/** The part of the SDK's HTTP request that is used here. */
interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The part of the SDK's HTTP answer that is used here. */
export interface HttpAnswer {
  readonly statusCode: number;
  body: unknown;
}

/** Whose requests they are. */
type Identity = Credentials & { readonly accountId?: string };

/** A client of a JSON protocol, as far as it is used here. */
interface Client {
  readonly middlewareStack: DynamoDBClient['middlewareStack'];
  readonly config: {
    readonly credentials: () => Promise<Identity>;
    readonly systemClockOffset: number;
    readonly requestHandler: { handle(request: HttpRequest): Promise<{ readonly response: HttpAnswer }> };
  };
}

/** What the requests of one kind have in common, as the SDK has made it for the first of them. */
interface Pattern {
  readonly request: HttpRequest;
  readonly signing: Signing;
  /** An endpoint may have it in its name. */
  readonly accountId: string | undefined;
}

/** A try that has not come to a success: the SDK goes on from there. */
type Failure = { readonly answer: HttpAnswer } | { readonly error: unknown };

/** One plain command on its way. */
interface Call {
  failure?: Failure;
  answer?: HttpAnswer;
}

const calls = new WeakMap<object, Call>();

/**
 * Says of a command's input that its JSON is what the SDK sends for it: it holds texts, numbers, lists and flags, no bytes and no dates.
 * The answer of a request that was repeated is in what this gives, once the command has been sent.
 */
export function plainCall(input: object): Pick<Call, 'answer'> {
  const call: Call = {};
  calls.set(input, call);
  return call;
}

/**
 * Lets a client send plain commands as it has sent the first of their kind: endpoint and headers are the same, only the body, the time and the signature
 * are not. What the SDK does to come to the same again is nine tenths of a call's CPU (measured). Its request handler, credentials and clock are
 * used; an answer that is no success, or none, is taken by the SDK for that of its own first attempt, so that errors and retries are its own.
 */
export function repeatRequests(given: object): void {
  const { middlewareStack, config } = given as Client;
  const patterns = new Map<string, Pattern | undefined>();

  /** Undefined where it has to be the SDK that sends it. */
  async function sendAlike(input: object, commandName: string | undefined): Promise<Call | undefined> {
    const pattern = patterns.get(kindOf(input, commandName));
    if (pattern === undefined) return undefined;
    const { request, signing } = pattern;
    const credentials = await config.credentials();
    if (credentials.accountId !== pattern.accountId) return undefined;
    const body = Buffer.from(JSON.stringify(input));
    const headers: Record<string, string> = { ...request.headers };
    headers['amz-sdk-invocation-id'] = randomUUID();
    headers['content-length'] = String(body.length);
    if (!signAlike(signing, credentials, Date.now() + config.systemClockOffset, headers, body)) return undefined;
    try {
      const { response } = await config.requestHandler.handle({ ...request, headers, body });
      return response.statusCode === 200 ? { answer: response } : { failure: { answer: response } };
    } catch (error) {
      return { failure: { error } };
    }
  }

  middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const call = calls.get(args.input);
        if (call === undefined) return next(args);
        Object.assign(call, await sendAlike(args.input, commandName));
        if (call.answer === undefined) return next(args);
        return { output: { $metadata: {} }, response: call.answer };
      },
    { step: 'initialize', priority: 'high', name: 'repeatRequests' },
  );
  middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const call = calls.get(args.input);
        if (call === undefined) return next(args);
        const { failure } = call;
        delete call.failure;
        if (failure !== undefined) {
          if ('error' in failure) throw failure.error;
          return { output: undefined as never, response: failure.answer };
        }
        const result = await next(args);
        const kind = kindOf(args.input, commandName);
        if (!patterns.has(kind)) patterns.set(kind, patternOf(args.request as HttpRequest, await config.credentials()));
        return result;
      },
    { step: 'deserialize', priority: 'low', name: 'learnRequests' },
  );
}

/** They tell of the invocation in which the first request was sent. */
const OF_AN_INVOCATION = /^(x-amzn-trace-id|traceparent|tracestate|baggage)$/i;

function patternOf(first: HttpRequest, identity: Identity): Pattern | undefined {
  const found = signingOf(first, identity);
  if (found === undefined) return undefined;
  const kept = Object.entries(first.headers).filter(([name]) => !OF_AN_INVOCATION.test(name));
  const signing = { ...found, names: found.names.filter((name) => !OF_AN_INVOCATION.test(name)) };
  return { request: { ...first, headers: Object.fromEntries(kept) }, signing, accountId: identity.accountId };
}

/** An endpoint may depend on the table: its name may be an ARN of another account. */
function kindOf(input: object, commandName = ''): string {
  const { TableName, RequestItems = {} } = input as { readonly TableName?: string; readonly RequestItems?: object };
  return `${commandName} ${TableName ?? Object.keys(RequestItems).join(' ')}`;
}

import { type Caller, type Cloud, type Json, ServiceError, type ServiceName } from '../cloud.ts';
import { asServiceError, parseBody } from './http-json.ts';
import type { Answer, Request } from './http-message.ts';

interface Route {
  readonly method: string;
  /** A template of the path: `{Name}` is one segment. */
  readonly path: string;
  readonly operation: string;
  /** Of a success. */
  readonly status: number;
}

/** The operations of the REST-JSON services, by method and path as their API references have them; a status where it isn't 200. */
const ROUTES: Readonly<Record<'lambda' | 'pipes', readonly Route[]>> = {
  lambda: [
    ...routes('/2015-03-31/functions', ['GET ListFunctions', 'POST CreateFunction 201']),
    ...routes('/2015-03-31/functions/{FunctionName}', ['GET GetFunction', 'DELETE DeleteFunction 204']),
    ...routes('/2015-03-31/functions/{FunctionName}/configuration', [
      'GET GetFunctionConfiguration',
      'PUT UpdateFunctionConfiguration',
    ]),
    ...routes('/2015-03-31/functions/{FunctionName}/code', ['PUT UpdateFunctionCode']),
    ...routes('/2015-03-31/functions/{FunctionName}/policy', ['GET GetPolicy', 'POST AddPermission 201']),
    ...routes('/2015-03-31/functions/{FunctionName}/policy/{StatementId}', ['DELETE RemovePermission 204']),
    ...routes('/2015-03-31/functions/{FunctionName}/versions', [
      'GET ListVersionsByFunction',
      'POST PublishVersion 201',
    ]),
    ...routes('/2015-03-31/functions/{FunctionName}/aliases', ['GET ListAliases', 'POST CreateAlias 201']),
    ...routes('/2015-03-31/functions/{FunctionName}/aliases/{Name}', [
      'GET GetAlias',
      'PUT UpdateAlias',
      'DELETE DeleteAlias 204',
    ]),
    ...routes('/2015-03-31/event-source-mappings', [
      'GET ListEventSourceMappings',
      'POST CreateEventSourceMapping 202',
    ]),
    ...routes('/2015-03-31/event-source-mappings/{UUID}', [
      'GET GetEventSourceMapping',
      'PUT UpdateEventSourceMapping 202',
      'DELETE DeleteEventSourceMapping 202',
    ]),
    ...routes('/2017-10-31/functions/{FunctionName}/concurrency', [
      'PUT PutFunctionConcurrency',
      'DELETE DeleteFunctionConcurrency 204',
    ]),
    ...routes('/2019-09-30/functions/{FunctionName}/concurrency', ['GET GetFunctionConcurrency']),
    ...routes('/2019-09-25/functions/{FunctionName}/event-invoke-config', [
      'GET GetFunctionEventInvokeConfig',
      'PUT PutFunctionEventInvokeConfig',
      'POST UpdateFunctionEventInvokeConfig',
      'DELETE DeleteFunctionEventInvokeConfig 204',
    ]),
    ...routes('/2018-10-31/layers', ['GET ListLayers']),
    ...routes('/2018-10-31/layers/{LayerName}/versions/{VersionNumber}', [
      'GET GetLayerVersion',
      'DELETE DeleteLayerVersion 204',
    ]),
  ],
  pipes: [
    ...routes('/v1/pipes', ['GET ListPipes']),
    ...routes('/v1/pipes/{Name}', ['GET DescribePipe', 'POST CreatePipe', 'PUT UpdatePipe', 'DELETE DeletePipe']),
    ...routes('/v1/pipes/{Name}/start', ['POST StartPipe']),
    ...routes('/v1/pipes/{Name}/stop', ['POST StopPipe']),
  ],
};

function routes(path: string, lines: readonly string[]): Route[] {
  return lines.map((line) => {
    const [method, operation, status] = line.split(' ');
    return { method: method!, path, operation: operation!, status: Number(status ?? 200) };
  });
}

/** Which of these services a path belongs to, when the signature does not say. */
export function restServiceOf(path: string): 'lambda' | 'pipes' | undefined {
  if (/^\/20\d\d-\d\d-\d\d\/(functions|event-source-mappings|layers)(\/|$)/.test(path)) return 'lambda';
  return /^\/v1\/pipes(\/|$)/.test(path) ? 'pipes' : undefined;
}

/** The REST-JSON protocol: Lambda and Pipes. */
export async function answerRest(
  cloud: Cloud,
  caller: Caller,
  service: 'lambda' | 'pipes',
  request: Request,
): Promise<Answer> {
  try {
    const invoked = request.path.match(/^\/2015-03-31\/functions\/([^/]+)\/invocations\/?$/);
    if (service === 'lambda' && invoked !== null && request.method === 'POST') {
      return await invoke(cloud, caller, decodeURIComponent(invoked[1]!), request);
    }
    const found = findRoute(service, request);
    if (found === undefined) {
      throw new ServiceError(
        'UnknownOperationException',
        `${request.method} ${request.path} of ${service} is not supported by the embedded runtime`,
        {
          status: 404,
        },
      );
    }
    const input = { ...parseBody(request.body), ...queryOf(request), ...found.parameters };
    const result = (await cloud.call(caller, service as ServiceName, found.route.operation, input)) ?? {};
    const { status } = found.route;
    return {
      status,
      headers: { 'content-type': 'application/json' },
      body: status === 204 ? '' : JSON.stringify(result),
    };
  } catch (error) {
    const failure = asServiceError(error, request);
    const body = {
      ...failure.fields,
      Type: failure.status >= 500 ? 'Service' : 'User',
      Message: failure.message,
      message: failure.message,
    };
    return {
      status: failure.status,
      headers: { 'content-type': 'application/json', 'x-amzn-errortype': failure.code },
      body: JSON.stringify(body),
    };
  }
}

async function invoke(cloud: Cloud, caller: Caller, name: string, request: Request): Promise<Answer> {
  const header = (key: string) => request.headers[key]?.toString();
  const qualifier = request.query.get('Qualifier');
  const input: Json = {
    FunctionName: name,
    ...(qualifier !== null && { Qualifier: qualifier }),
    ...(header('x-amz-invocation-type') !== undefined && { InvocationType: header('x-amz-invocation-type') }),
    ...(header('x-amz-log-type') !== undefined && { LogType: header('x-amz-log-type') }),
    ...(header('x-amz-client-context') !== undefined && { ClientContext: header('x-amz-client-context') }),
    Payload: request.body,
  };
  const result = await cloud.call(caller, 'lambda', 'Invoke', input);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (result.ExecutedVersion !== undefined) headers['x-amz-executed-version'] = result.ExecutedVersion;
  if (result.FunctionError !== undefined) headers['x-amz-function-error'] = result.FunctionError;
  if (result.LogResult !== undefined) headers['x-amz-log-result'] = result.LogResult;
  return { status: result.StatusCode, headers, body: result.Payload ?? '' };
}

function findRoute(service: 'lambda' | 'pipes', request: Request): { route: Route; parameters: Json } | undefined {
  const given = request.path.replace(/\/$/, '').split('/');
  for (const route of ROUTES[service]) {
    const wanted = route.path.split('/');
    if (route.method !== request.method || wanted.length !== given.length) continue;
    const parameters: Record<string, Json> = {};
    const matches = wanted.every((segment, i) => {
      if (!segment.startsWith('{')) return segment === given[i];
      const name = segment.slice(1, -1);
      parameters[name] = typed(name, decodeURIComponent(given[i]!));
      return given[i] !== '';
    });
    if (matches) return { route, parameters };
  }
  return undefined;
}

const NUMBERS = new Set(['MaxItems', 'Limit', 'VersionNumber']);

function queryOf({ query }: Request): Json {
  const found: Record<string, Json> = {};
  for (const [name, value] of query) found[name] = typed(name, value);
  return found;
}

const typed = (name: string, value: string): Json => (NUMBERS.has(name) ? Number(value) : value);

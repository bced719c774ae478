import { type Caller, type Cloud, type Json, ServiceError, type ServiceName } from '../cloud.ts';
import { asServiceError } from './http-json.ts';
import type { Answer, Request } from './http-message.ts';

const NAMESPACES: Readonly<Partial<Record<ServiceName, string>>> = {
  cloudformation: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
};

/** The query protocol: a form with `Action` in, XML out. */
export async function answerQuery(
  cloud: Cloud,
  caller: Caller,
  scope: string | undefined,
  request: Request,
): Promise<Answer> {
  const requestId = crypto.randomUUID();
  const form = new URLSearchParams(request.body.toString('utf8'));
  for (const [name, value] of request.query) form.append(name, value);
  const operation = form.get('Action') ?? '';
  const service = serviceOf(scope, form.get('Version'));
  const headers = { 'content-type': 'text/xml' };
  try {
    if (service === undefined) {
      throw new ServiceError(
        'InvalidAction',
        `The query protocol of ${scope ?? 'this service'} (${operation}) is not spoken here`,
      );
    }
    const result = await cloud.call(caller, service, operation, inputOf(form));
    const body = `<${operation}Response xmlns="${NAMESPACES[service]}"><${operation}Result>${toXml(result)}</${operation}Result>${metadata(requestId)}</${operation}Response>`;
    return { status: 200, headers, body };
  } catch (error) {
    const failure = asServiceError(error, request);
    const type = failure.status >= 500 ? 'Receiver' : 'Sender';
    const xmlns = NAMESPACES[service ?? 'cloudformation'];
    const body = `<ErrorResponse xmlns="${xmlns}"><Error><Type>${type}</Type><Code>${escapeXml(failure.code)}</Code><Message>${escapeXml(failure.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
    return { status: failure.status, headers, body };
  }
}

function serviceOf(scope: string | undefined, version: string | null): ServiceName | undefined {
  if (scope === 'cloudformation' || scope === 'sts') return scope;
  if (scope !== undefined) return undefined;
  return version === '2010-05-15' ? 'cloudformation' : version === '2011-06-15' ? 'sts' : undefined;
}

function inputOf(form: URLSearchParams): Json {
  const input: Record<string, Json> = {};
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue;
    const [, list, index] = name.match(/^([A-Za-z]+)\.member\.(\d+)$/) ?? [];
    if (list !== undefined) {
      input[list] ??= [];
      input[list][Number(index) - 1] = value;
    } else {
      input[name] = value;
    }
  }
  return input;
}

const metadata = (requestId: string) => `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;

/** Lists become `<member>`s, as the query protocol has it. */
function toXml(value: Json): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map((item) => `<member>${toXml(item)}</member>`).join('');
  if (typeof value === 'object') {
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => `<${key}>${toXml(inner)}</${key}>`)
      .join('');
  }
  return escapeXml(String(value));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;');
}

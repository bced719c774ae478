import { type Json, ServiceError } from '../cloud.ts';
import { CHECKSUM_ALGORITHMS } from './checksums.ts';
import { readRequest, type S3HttpRequest } from './http-request.ts';
import { toXml } from './xml.ts';

export type { S3HttpRequest } from './http-request.ts';

export interface S3HttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const NOTHING = Buffer.alloc(0);

/** Members of an answer that travel as headers. */
const HEADERS: Readonly<Record<string, string>> = {
  ContentType: 'content-type',
  CacheControl: 'cache-control',
  ContentDisposition: 'content-disposition',
  ContentEncoding: 'content-encoding',
  ContentLanguage: 'content-language',
  ContentRange: 'content-range',
  Expires: 'expires',
  AcceptRanges: 'accept-ranges',
  ETag: 'etag',
  StorageClass: 'x-amz-storage-class',
  ServerSideEncryption: 'x-amz-server-side-encryption',
  PartsCount: 'x-amz-mp-parts-count',
  TagCount: 'x-amz-tagging-count',
  ChecksumType: 'x-amz-checksum-type',
  BucketRegion: 'x-amz-bucket-region',
  Size: 'x-amz-object-size',
  ...Object.fromEntries(CHECKSUM_ALGORITHMS.map((name) => [`Checksum${name}`, `x-amz-checksum-${name.toLowerCase()}`])),
};

/** Operations that answer with a document: its root element. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  ListBuckets: 'ListAllMyBucketsResult',
  ListObjects: 'ListBucketResult',
  ListObjectsV2: 'ListBucketResult',
  ListParts: 'ListPartsResult',
  ListMultipartUploads: 'ListMultipartUploadsResult',
  CreateMultipartUpload: 'InitiateMultipartUploadResult',
  CompleteMultipartUpload: 'CompleteMultipartUploadResult',
  DeleteObjects: 'DeleteResult',
  GetBucketVersioning: 'VersioningConfiguration',
};

/** Lists whose elements have another name in XML. */
const ELEMENTS: Readonly<Record<string, string>> = {
  Parts: 'Part',
  Uploads: 'Upload',
  Errors: 'Error',
  Rules: 'Rule',
};

/**
 * Answers one request of S3's REST protocol: finds the operation, has it called, and writes headers and XML as the SDKs
 * expect. `call` reaches the service with the caller that the front has found out.
 */
export async function handleS3Request(
  request: S3HttpRequest,
  call: (operation: string, input: Json) => Promise<Json>,
): Promise<S3HttpResponse> {
  try {
    const { operation, input } = readRequest(request);
    return writeAnswer(operation, input, await call(operation, input));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return writeError(error, request);
  }
}

function writeAnswer(operation: string, input: Json, output: Json): S3HttpResponse {
  if (operation === 'GetObject' || operation === 'HeadObject') return writeObject(operation, input, output);
  if (operation === 'GetBucketPolicy') {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(output.Policy) };
  }
  if (operation === 'GetBucketLocation') return xml('LocationConstraint', output.LocationConstraint ?? '');
  if (operation === 'GetBucketTagging' || operation === 'GetObjectTagging')
    return xml('Tagging', { TagSet: { Tag: output.TagSet } });
  if (operation === 'ListBuckets')
    return xml(DOCUMENTS[operation]!, { ...output, Buckets: { Bucket: output.Buckets } });
  const root = DOCUMENTS[operation];
  if (root !== undefined) return withHeaders(xml(root, renameLists(output)), output, ['ServerSideEncryption']);
  if (operation === 'CopyObject' || operation === 'UploadPartCopy') {
    const [[name, value] = ['', undefined]] = Object.entries<Json>(output);
    return withHeaders(xml(name, value), output, ['ServerSideEncryption']);
  }
  if (/^Get(Bucket|Public)/.test(operation)) {
    const [[name, value] = ['', undefined]] = Object.entries<Json>(output);
    return xml(name, renameLists(value));
  }
  const status = /^(Delete|Abort)/.test(operation) || operation === 'PutBucketPolicy' ? 204 : 200;
  const answer = withHeaders({ status, headers: {}, body: NOTHING }, output, Object.keys(HEADERS));
  if (output.Location !== undefined) answer.headers.location = output.Location;
  return answer;
}

function writeObject(operation: string, input: Json, output: Json): S3HttpResponse {
  const body: Buffer = output.Body ?? NOTHING;
  const answer = withHeaders(
    {
      status: output.ContentRange === undefined ? 200 : 206,
      headers: {},
      body: operation === 'GetObject' ? body : NOTHING,
    },
    output,
    Object.keys(HEADERS),
  );
  answer.headers['last-modified'] = new Date(output.LastModified).toUTCString();
  answer.headers['content-length'] = String(output.ContentLength);
  for (const [name, value] of Object.entries<string>(output.Metadata)) answer.headers[`x-amz-meta-${name}`] = value;
  for (const [member, header] of Object.entries(HEADERS)) {
    const override = input[`Response${member}`];
    if (override !== undefined) answer.headers[header] = override;
  }
  return answer;
}

function writeError(error: ServiceError, request: S3HttpRequest): S3HttpResponse {
  const code = error.code === 'AccessDeniedException' ? 'AccessDenied' : error.code;
  const status = code === 'AccessDenied' ? 403 : error.code === 'UnknownOperationException' ? 501 : error.status;
  if (status === 304) return { status, headers: { etag: String(error.fields.ETag) }, body: NOTHING };
  const body = toXml('Error', {
    Code: code,
    Message: error.message,
    ...error.fields,
    Resource: request.path,
    RequestId: '0000000000000000',
  });
  const headers: Record<string, string> = { 'content-type': 'application/xml' };
  if (status === 416) headers['content-range'] = `bytes */${error.fields.ActualObjectSize}`;
  return { status, headers, body: request.method === 'HEAD' ? NOTHING : Buffer.from(body) };
}

function xml(root: string, value: Json): S3HttpResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(toXml(root, value, NAMESPACE)),
  };
}

function withHeaders(answer: S3HttpResponse, output: Json, members: readonly string[]): S3HttpResponse {
  for (const member of members) {
    const value = output[member];
    if (value !== undefined && typeof value !== 'object') answer.headers[HEADERS[member]!] = String(value);
  }
  return answer;
}

function renameLists(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries<Json>(value).map(([name, one]) => [ELEMENTS[name] ?? name, one]));
}

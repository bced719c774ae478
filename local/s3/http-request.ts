import { createHash } from 'node:crypto';
import { type Json, ServiceError } from '../cloud.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import { CHECKSUM_ALGORITHMS } from './checksums.ts';
import { notImplemented } from './errors.ts';
import { many, parseXml } from './xml.ts';

export interface S3HttpRequest {
  readonly method: string;
  /** As it came, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams | string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface S3Call {
  readonly operation: string;
  readonly input: Json;
}

/** Bucket sub-resources: query parameter → what follows Get, Put and Delete in the operation's name. */
const BUCKET_SUBRESOURCES: Readonly<Record<string, string>> = {
  policy: 'BucketPolicy',
  tagging: 'BucketTagging',
  publicAccessBlock: 'PublicAccessBlock',
  ownershipControls: 'BucketOwnershipControls',
  lifecycle: 'BucketLifecycleConfiguration',
  encryption: 'BucketEncryption',
  versioning: 'BucketVersioning',
  location: 'BucketLocation',
  policyStatus: 'BucketPolicyStatus',
};

/** Parameters that choose no operation and carry no input: signatures, and the SDK's own mark. */
const WITHOUT_MEANING =
  /^(x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|sdk-checksum-algorithm|checksum-mode|user-agent)|x-id|awsaccesskeyid|signature|expires)$/i;

const QUERY_MEMBERS: Readonly<Record<string, string>> = {
  prefix: 'Prefix',
  delimiter: 'Delimiter',
  'encoding-type': 'EncodingType',
  'max-keys': 'MaxKeys',
  'start-after': 'StartAfter',
  'continuation-token': 'ContinuationToken',
  'fetch-owner': 'FetchOwner',
  marker: 'Marker',
  'key-marker': 'KeyMarker',
  'upload-id-marker': 'UploadIdMarker',
  'max-uploads': 'MaxUploads',
  'max-parts': 'MaxParts',
  'part-number-marker': 'PartNumberMarker',
  uploadId: 'UploadId',
  partNumber: 'PartNumber',
  versionId: 'VersionId',
  'max-buckets': 'MaxBuckets',
  'bucket-region': 'BucketRegion',
  'response-cache-control': 'ResponseCacheControl',
  'response-content-disposition': 'ResponseContentDisposition',
  'response-content-encoding': 'ResponseContentEncoding',
  'response-content-language': 'ResponseContentLanguage',
  'response-content-type': 'ResponseContentType',
  'response-expires': 'ResponseExpires',
};

const HEADER_MEMBERS: Readonly<Record<string, string>> = {
  'content-type': 'ContentType',
  'cache-control': 'CacheControl',
  'content-disposition': 'ContentDisposition',
  'content-language': 'ContentLanguage',
  'content-md5': 'ContentMD5',
  expires: 'Expires',
  range: 'Range',
  'if-match': 'IfMatch',
  'if-none-match': 'IfNoneMatch',
  'if-modified-since': 'IfModifiedSince',
  'if-unmodified-since': 'IfUnmodifiedSince',
  'x-amz-acl': 'ACL',
  'x-amz-storage-class': 'StorageClass',
  'x-amz-server-side-encryption': 'ServerSideEncryption',
  'x-amz-server-side-encryption-aws-kms-key-id': 'SSEKMSKeyId',
  'x-amz-server-side-encryption-bucket-key-enabled': 'BucketKeyEnabled',
  'x-amz-expected-bucket-owner': 'ExpectedBucketOwner',
  'x-amz-source-expected-bucket-owner': 'ExpectedSourceBucketOwner',
  'x-amz-request-payer': 'RequestPayer',
  'x-amz-copy-source': 'CopySource',
  'x-amz-copy-source-range': 'CopySourceRange',
  'x-amz-copy-source-if-match': 'CopySourceIfMatch',
  'x-amz-copy-source-if-none-match': 'CopySourceIfNoneMatch',
  'x-amz-copy-source-if-modified-since': 'CopySourceIfModifiedSince',
  'x-amz-copy-source-if-unmodified-since': 'CopySourceIfUnmodifiedSince',
  'x-amz-metadata-directive': 'MetadataDirective',
  'x-amz-tagging': 'Tagging',
  'x-amz-tagging-directive': 'TaggingDirective',
  'x-amz-checksum-algorithm': 'ChecksumAlgorithm',
  'x-amz-checksum-type': 'ChecksumType',
  'x-amz-checksum-mode': 'ChecksumMode',
  'x-amz-mp-object-size': 'MpuObjectSize',
  'x-amz-object-ownership': 'ObjectOwnership',
  'x-amz-bucket-object-lock-enabled': 'ObjectLockEnabledForBucket',
  'x-amz-optional-object-attributes': 'OptionalObjectAttributes',
};
for (const algorithm of CHECKSUM_ALGORITHMS) {
  Object.assign(HEADER_MEMBERS, { [`x-amz-checksum-${algorithm.toLowerCase()}`]: `Checksum${algorithm}` });
}

/** Headers that belong to the transport or to the signature. */
const TRANSPORT =
  /^x-amz-(date|content-sha256|security-token|user-agent|trailer|decoded-content-length|te|sdk-.*|id-2|request-id)$/;

/** Members of writes that other operations take no notice of, such as the content type of a listing. */
const ONLY_WITH_CONTENT = ['ContentType', 'CacheControl', 'ContentDisposition', 'ContentLanguage', 'Expires'];
const WRITES = ['PutObject', 'CopyObject', 'CreateMultipartUpload'];

/** Which operation a request means, and its input. Path style, or the bucket as the first label of the host. */
export function readRequest(request: S3HttpRequest): S3Call {
  const query = new URLSearchParams(request.query);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  ) as Record<string, string | undefined>;
  const { bucket, key } = addressOf(request.path, headers.host);
  const operation = operationOf(request.method, bucket, key, query, headers);
  const { body, trailers } = contentOf(request.body, headers);
  const input: Json = {};
  if (bucket !== '') input.Bucket = bucket;
  if (key !== '') input.Key = key;
  readQuery(query, input);
  readHeaders({ ...headers, ...trailers }, operation, input);
  readBody(operation, body, input);
  return { operation, input };
}

function addressOf(path: string, host: string | undefined): { bucket: string; key: string } {
  const virtual = /^(.+)\.(?:s3\.)?localhost(?::\d+)?$/.exec(host ?? '')?.[1];
  const whole = virtual === undefined || virtual === 's3' ? path : `/${virtual}${path}`;
  const slash = whole.indexOf('/', 1);
  try {
    return {
      bucket: decodeURIComponent(slash < 0 ? whole.slice(1) : whole.slice(1, slash)),
      key: slash < 0 ? '' : decodeURIComponent(whole.slice(slash + 1)),
    };
  } catch {
    throw new ServiceError('InvalidURI', "Couldn't parse the specified URI.", { fields: { URI: path } });
  }
}

function operationOf(
  method: string,
  bucket: string,
  key: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string | undefined>>,
): string {
  if (bucket === '' && method === 'GET') return 'ListBuckets';
  if (key !== '') return objectOperation(method, query, headers);
  const name = Object.keys(BUCKET_SUBRESOURCES).find((parameter) => query.has(parameter));
  if (name !== undefined) {
    const what = BUCKET_SUBRESOURCES[name]!;
    if (method === 'GET') return `Get${what}`;
    if (method === 'PUT') return `Put${what}`;
    if (method === 'DELETE') return name === 'lifecycle' ? 'DeleteBucketLifecycle' : `Delete${what}`;
  }
  for (const [parameter, value] of query) {
    const known =
      parameter in QUERY_MEMBERS ||
      WITHOUT_MEANING.test(parameter) ||
      ['list-type', 'uploads', 'delete'].includes(parameter);
    if (!known) throw notImplemented(`the bucket parameter ${parameter}${value === '' ? '' : `=${value}`}`);
  }
  if (method === 'GET' && query.has('uploads')) return 'ListMultipartUploads';
  if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
  if (method === 'POST' && query.has('delete')) return 'DeleteObjects';
  const plain = { PUT: 'CreateBucket', HEAD: 'HeadBucket', DELETE: 'DeleteBucket' }[method];
  if (plain !== undefined) return plain;
  throw methodNotAllowed(method);
}

function objectOperation(
  method: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string | undefined>>,
): string {
  for (const parameter of query.keys()) {
    if (
      parameter in QUERY_MEMBERS ||
      parameter === 'uploads' ||
      parameter === 'tagging' ||
      WITHOUT_MEANING.test(parameter)
    )
      continue;
    throw notImplemented(`the object parameter ${parameter}`);
  }
  const tagging = { GET: 'Get', PUT: 'Put', DELETE: 'Delete' }[method];
  if (query.has('tagging') && tagging !== undefined) return `${tagging}ObjectTagging`;
  const upload = query.has('uploadId');
  const copy = headers['x-amz-copy-source'] !== undefined;
  if (method === 'GET') return upload ? 'ListParts' : 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'PUT') return upload ? (copy ? 'UploadPartCopy' : 'UploadPart') : copy ? 'CopyObject' : 'PutObject';
  if (method === 'DELETE') return upload ? 'AbortMultipartUpload' : 'DeleteObject';
  if (method === 'POST' && query.has('uploads')) return 'CreateMultipartUpload';
  if (method === 'POST' && upload) return 'CompleteMultipartUpload';
  throw methodNotAllowed(method);
}

function contentOf(body: Buffer, headers: Readonly<Record<string, string | undefined>>) {
  const sha256 = headers['x-amz-content-sha256'] ?? '';
  if (sha256.startsWith('STREAMING-') || /(^|,)\s*aws-chunked/.test(headers['content-encoding'] ?? '')) {
    const decoded = decodeAwsChunked(body);
    const length = headers['x-amz-decoded-content-length'];
    if (length !== undefined && Number(length) !== decoded.body.length) {
      throw new ServiceError(
        'IncompleteBody',
        'You did not provide the number of bytes specified by the x-amz-decoded-content-length header',
      );
    }
    return decoded;
  }
  if (/^[0-9a-f]{64}$/.test(sha256) && createHash('sha256').update(body).digest('hex') !== sha256) {
    throw new ServiceError(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  return { body, trailers: {} };
}

function readQuery(query: URLSearchParams, input: Json): void {
  for (const [name, value] of query) {
    const member = QUERY_MEMBERS[name];
    if (member === undefined) continue;
    input[member] = member === 'FetchOwner' ? value === 'true' : value;
  }
}

function readHeaders(headers: Readonly<Record<string, string | undefined>>, operation: string, input: Json): void {
  const write = WRITES.includes(operation);
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const member = HEADER_MEMBERS[name];
    if (name === 'content-encoding') {
      const rest = value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== 'aws-chunked' && part !== '');
      if (rest.length > 0 && write) input.ContentEncoding = rest.join(',');
    } else if (name === 'x-amz-sdk-checksum-algorithm') {
      if (['PutObject', 'UploadPart'].includes(operation)) input.ChecksumAlgorithm ??= value;
    } else if (member !== undefined) {
      if (ONLY_WITH_CONTENT.includes(member) && !write) continue;
      if (['ContentMD5', 'ChecksumMode'].includes(member) && !applies(member, operation)) continue;
      if (member.startsWith('Checksum') && isSetting(operation)) continue;
      input[member] = member.endsWith('Enabled') || member === 'ObjectLockEnabledForBucket' ? value === 'true' : value;
    } else if (name.startsWith('x-amz-meta-')) {
      input.Metadata ??= {};
      input.Metadata[name.slice('x-amz-meta-'.length)] = value;
    } else if (name.startsWith('x-amz-') && !TRANSPORT.test(name)) {
      throw new ServiceError(
        'NotImplemented',
        `A header you provided implies functionality that is not implemented: ${name}`,
        { status: 501, fields: { Header: name } },
      );
    }
  }
}

const applies = (member: string, operation: string) =>
  member === 'ChecksumMode'
    ? operation === 'GetObject' || operation === 'HeadObject'
    : ['PutObject', 'UploadPart', 'DeleteObjects'].includes(operation);

const isSetting = (operation: string) => /^(Put|Get|Delete)(Bucket|Public|ObjectTagging)/.test(operation);

function readBody(operation: string, body: Buffer, input: Json): void {
  const setting = /^Put(.+)$/.exec(operation)?.[1];
  if (operation === 'PutObject' || operation === 'UploadPart') input.Body = body;
  else if (operation === 'PutBucketPolicy') input.Policy = body.toString('utf8');
  else if (operation === 'CompleteMultipartUpload') {
    const parts = many(parseXml(body.toString('utf8')).CompleteMultipartUpload?.Part);
    input.MultipartUpload = { Parts: parts.map((part) => ({ ...part, PartNumber: Number(part.PartNumber) })) };
  } else if (operation === 'DeleteObjects') {
    const root = parseXml(body.toString('utf8')).Delete;
    input.Delete = { Objects: many(root?.Object), Quiet: root?.Quiet === 'true' };
  } else if (operation === 'CreateBucket') {
    if (body.length > 0) input.CreateBucketConfiguration = parseXml(body.toString('utf8')).CreateBucketConfiguration;
  } else if (setting !== undefined) {
    const [[member, value] = []] = Object.entries<Json>(parseXml(body.toString('utf8')));
    input[member!] = fromLists(value);
  }
}

/** XML's repeated `Rule` is the API's `Rules`. */
function fromLists(value: Json): Json {
  if (value?.Rule !== undefined) return { Rules: many(value.Rule) };
  if (value?.TagSet !== undefined) return { TagSet: many(value.TagSet.Tag) };
  return value;
}

const methodNotAllowed = (method: string) =>
  new ServiceError('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    status: 405,
    fields: { Method: method },
  });

import { ServiceError } from '../cloud.ts';

// Codes, texts and statuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

export const noSuchBucket = (bucket: string) =>
  new ServiceError('NoSuchBucket', 'The specified bucket does not exist', {
    status: 404,
    fields: { BucketName: bucket },
  });

export const noSuchKey = (key: string) =>
  new ServiceError('NoSuchKey', 'The specified key does not exist.', { status: 404, fields: { Key: key } });

/** What HEAD answers: it has no body, so the SDKs make `NotFound` of the status alone. */
export const notFound = () => new ServiceError('NotFound', 'Not Found', { status: 404 });

export const noSuchUpload = (uploadId: string) =>
  new ServiceError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { status: 404, fields: { UploadId: uploadId } },
  );

export const preconditionFailed = (condition: string) =>
  new ServiceError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    status: 412,
    fields: { Condition: condition },
  });

export const notModified = (etag: string) =>
  new ServiceError('NotModified', 'Not Modified', { status: 304, fields: { ETag: etag } });

export const invalidArgument = (message: string, name?: string, value?: unknown) =>
  new ServiceError('InvalidArgument', message, {
    fields: name === undefined ? {} : { ArgumentName: name, ArgumentValue: String(value) },
  });

export const invalidRequest = (message: string) => new ServiceError('InvalidRequest', message);

/** Nothing is ignored: what is not hosted here is refused by name. */
export const notImplemented = (what: string) =>
  new ServiceError('NotImplemented', `${what} is not implemented by the embedded S3`, { status: 501 });

export const badDigest = (algorithm: string) =>
  new ServiceError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);

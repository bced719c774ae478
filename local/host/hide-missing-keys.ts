import { type Authorize, type Service, ServiceError } from '../cloud.ts';

/**
 * "If you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP status code 403 (access denied) error" instead
 * of 404 for an object that isn't there (API reference of GetObject, Permissions): a caller without it can't tell.
 */
export function hideMissingKeys(s3: Service, authorize: Authorize): Service {
  return {
    name: 's3',
    async handle(operation, input, caller) {
      try {
        return await s3.handle(operation, input, caller);
      } catch (error) {
        const missing = error instanceof ServiceError && error.status === 404 && /^(Get|Head)Object$/.test(operation);
        if (missing && error.code !== 'NoSuchBucket')
          authorize(caller, 's3', 'ListObjectsV2', { Bucket: input.Bucket });
        throw error;
      }
    },
  };
}

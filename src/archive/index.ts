export { type S3EventArchiveOptions, s3EventArchive } from '../aws/s3-event-archive.ts';

import { type Caller, type Cloud, type Json, ServiceError } from '../cloud.ts';
import type { Code } from './code.ts';
import { refuseUnknown } from './unsupported.ts';
import { unzip } from './unzip.ts';

/** "50 MB: Maximum size of a deployment package … (zipped, when uploaded through the Lambda API or SDKs)" (Lambda quotas). */
const MAXIMUM_ZIPPED = 52_428_800;

/** The members that say where code comes from; the first two are this runtime's own, for what a template brought. */
const CODE_SOURCES = ['LocalFolder', 'InlineText', 'ZipFile', 'S3Bucket', 'S3Key'] as const;

/** The code that a call brings or names, checked as Lambda checks it: an archive that can't be unpacked is refused now. */
export async function codeOf(cloud: Cloud, caller: Caller, operation: string, code: Json): Promise<Code> {
  refuseUnknown(operation, code, CODE_SOURCES);
  if (typeof code?.LocalFolder === 'string') return { folder: code.LocalFolder };
  if (typeof code?.InlineText === 'string') return { inline: code.InlineText };
  const zip = await archiveOf(cloud, caller, operation, code ?? {});
  for (const _ of unzip(zip)) {
    // read to its end, for its sizes and checksums
  }
  return { zip };
}

async function archiveOf(cloud: Cloud, caller: Caller, operation: string, code: Json): Promise<Buffer> {
  const { ZipFile, S3Bucket: Bucket, S3Key: Key } = code;
  if (ZipFile !== undefined) {
    if (Bucket !== undefined || Key !== undefined) {
      throw refused('Please do not provide other FunctionCode parameters when providing a ZipFile.');
    }
    const zip = typeof ZipFile === 'string' ? Buffer.from(ZipFile, 'base64') : Buffer.from(ZipFile);
    if (zip.length <= MAXIMUM_ZIPPED) return zip;
    throw new ServiceError(
      'RequestEntityTooLargeException',
      `Request must be smaller than 70167211 bytes for the ${operation} operation`,
      { status: 413 },
    );
  }
  if (Bucket === undefined || Key === undefined) throw refused('Please provide a source for function code.');
  try {
    const { Body } = await cloud.call(caller, 's3', 'GetObject', { Bucket, Key });
    return Body;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw refused(`Error occurred while GetObject. S3 Error Code: ${error.code}. S3 Error Message: ${error.message}`);
  }
}

const refused = (message: string) => new ServiceError('InvalidParameterValueException', message);

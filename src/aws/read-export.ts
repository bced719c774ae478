import '../archive/errors.ts';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HotEvents } from '../archive/hot-events.ts';
import { DaybookError } from '../errors.ts';
import { readLines } from '../import/read-lines.ts';
import type { ArchiveFiles } from '../replay/archive-files.ts';
import type { EventItem } from './event-item.ts';
import { hotPage } from './hot-page.ts';

/**
 * What `manifest-summary.json` of an export says
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html).
 */
export interface ExportSummary {
  readonly exportArn: string;
  readonly tableArn: string;
  /** The point in time that it shows. */
  readonly exportTime: string;
  readonly s3Bucket: string;
  readonly manifestFilesS3Key: string;
  readonly itemCount: number;
  readonly outputFormat: string;
  readonly exportType?: string;
}

/** One line of `manifest-files.json`. */
interface DataFile {
  readonly itemCount: number;
  /** Base64. */
  readonly md5Checksum: string;
  readonly dataFileS3Key: string;
}

export interface ReadExportOptions {
  /** The bucket that the export was written to. */
  readonly files: ArchiveFiles;
  readonly summary: ExportSummary;
  /** A folder on this machine, for one data file at a time. */
  readonly work: string;
}

/**
 * The manifest of a full export in DynamoDB JSON that lies in a folder, `[prefix/]AWSDynamoDB/<export id>/`; refuses another kind, and one that
 * is not done.
 */
export async function exportSummary(files: ArchiveFiles, folder: string): Promise<ExportSummary> {
  const where = `${folder.replace(/\/$/, '')}/manifest-summary.json`;
  let text: string;
  try {
    text = await files.readText(where);
  } catch (cause) {
    throw new DaybookError('archive.noExport', { where }, { cause });
  }
  const summary = JSON.parse(text) as ExportSummary;
  const { outputFormat, exportType = 'FULL_EXPORT' } = summary;
  if (outputFormat !== 'DYNAMODB_JSON' || exportType !== 'FULL_EXPORT') {
    throw new DaybookError('archive.exportFormat', { where, outputFormat, exportType });
  }
  return summary;
}

/**
 * The items of a table's export to S3 (ExportTableToPointInTime): gzip files of one `{"Item": …}` a line. Each file's checksum
 * and count must be those of the manifest: half an export would look like an archive with too much in it.
 */
export function readExport(options: ReadExportOptions): HotEvents {
  const { files, work, summary } = options;
  return {
    asOf: Date.parse(summary.exportTime),
    async *pages() {
      const manifest = await files.readText(summary.manifestFilesS3Key);
      for (const line of manifest.split('\n')) {
        if (line.trim() === '') continue;
        const { dataFileS3Key: key, itemCount, md5Checksum } = JSON.parse(line) as DataFile;
        const path = join(work, 'export.json.gz');
        await files.download(key, path);
        try {
          const md5 = await md5Of(path);
          if (md5 !== md5Checksum) {
            throw new DaybookError('archive.exportFile', { key, expected: `MD5 ${md5Checksum}`, actual: `MD5 ${md5}` });
          }
          let count = 0;
          for await (const lines of readLines(createReadStream(path))) {
            const items = lines.map(({ text }) => {
              if (typeof text !== 'string') throw text;
              return (JSON.parse(text) as { readonly Item: EventItem }).Item;
            });
            count += items.length;
            yield hotPage(items);
          }
          if (count !== itemCount) {
            throw new DaybookError('archive.exportFile', {
              key,
              expected: `${itemCount} items`,
              actual: `${count} items`,
            });
          }
        } finally {
          await rm(path, { force: true });
        }
      }
    },
  };
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('base64');
}

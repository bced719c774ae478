import type { ArchiveFiles } from '../replay/archive-files.ts';

/** The archive's files for what also writes large ones and takes some away. */
export interface WorkFiles extends ArchiveFiles {
  /** Puts the file at a local path. */
  upload(key: string, path: string): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A file that may not be there: its text, or undefined. */
export async function readIfThere(files: Pick<ArchiveFiles, 'readText'>, key: string): Promise<string | undefined> {
  try {
    return await files.readText(key);
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

/** S3's word for it, and a local disk's; and ours of a manifest, which a newer generation may have replaced meanwhile. */
export function isNotThere(error: unknown): boolean {
  const { name, code } = error as { readonly name?: string; readonly code?: string };
  return name === 'NoSuchKey' || name === 'NotFound' || code === 'ENOENT' || code === 'archive.manifestGone';
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 2 ** 20;

/** SHA-256 of a file on this machine, in hex, without holding it. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  // Chunks of Node's default size, 64 KiB, take more of the processor's time than the hash of them.
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash);
  return hash.digest('hex');
}

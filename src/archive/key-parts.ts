import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where a key was seen: in the table, in a raw file, in a file of the current generation. */
export type KeySide = 'hot' | 'raw' | 'compacted';

/** An event's key and what is compared of it. */
export interface KeyRow {
  readonly side: KeySide;
  /** Which file of the archive; 0 for the table. */
  readonly file: number;
  readonly version: number;
  /** `contentHash` of the event. */
  readonly hash: number;
  /** Epoch ms. */
  readonly recorded: number;
}

/** Rows on disk, in parts by aggregate: a part at a time is read back, so that memory does not grow with the rows. */
export interface KeyParts {
  add(aggregate: string, side: KeySide, file: number, version: number, hash: number, recorded: number): void;
  /** The aggregates of a part with their rows, in the order in which they were added; what was read is deleted. */
  take(part: number): Map<string, KeyRow[]>;
}

/** By the first three hex digits of md5(aggregate): the first is its bucket. */
export const PARTS = 4096;

/** So much of a part is gathered before it is written: 16 MB for all parts. */
const GATHERED = 4096;
const SIDES: readonly KeySide[] = ['hot', 'raw', 'compacted'];
/** Of a row without its aggregate: side, file, version, hash, recorded, the aggregate's length. */
const FIXED = 1 + 4 + 8 + 8 + 8 + 4;

export function partOf(aggregate: string): number {
  return createHash('md5').update(aggregate).digest().readUInt16BE(0) >> 4;
}

export function createKeyParts(folder: string): KeyParts {
  const gathered: (Buffer | undefined)[] = new Array(PARTS).fill(undefined);
  const sizes = new Int32Array(PARTS);
  const pathOf = (part: number) => join(folder, `${part}.keys`);
  // Rows come aggregate by aggregate more often than not.
  let last: { readonly aggregate: string; readonly part: number; readonly bytes: Buffer } | undefined;

  function flush(part: number): void {
    if (sizes[part]! > 0) appendFileSync(pathOf(part), gathered[part]!.subarray(0, sizes[part]));
    sizes[part] = 0;
  }

  return {
    add(aggregate, side, file, version, hash, recorded) {
      if (last?.aggregate !== aggregate) last = { aggregate, part: partOf(aggregate), bytes: Buffer.from(aggregate) };
      const { part, bytes } = last;
      const size = FIXED + bytes.length;
      if (sizes[part]! + size > GATHERED) flush(part);
      if (gathered[part] === undefined || gathered[part].length < size) {
        gathered[part] = Buffer.allocUnsafeSlow(Math.max(GATHERED, size));
      }
      const row = gathered[part];
      let at = sizes[part]!;
      at = row.writeUInt8(SIDES.indexOf(side), at);
      at = row.writeUInt32LE(file, at);
      at = row.writeDoubleLE(version, at);
      at = row.writeDoubleLE(hash, at);
      at = row.writeDoubleLE(recorded, at);
      at = row.writeUInt32LE(bytes.length, at);
      bytes.copy(row, at);
      sizes[part] = at + bytes.length;
    },
    take(part) {
      flush(part);
      gathered[part] = undefined;
      const found = new Map<string, KeyRow[]>();
      const path = pathOf(part);
      if (!existsSync(path)) return found;
      const all = readFileSync(path);
      rmSync(path);
      for (let at = 0; at < all.length; ) {
        const end = at + FIXED + all.readUInt32LE(at + 29);
        const aggregate = all.toString('utf8', at + FIXED, end);
        const row: KeyRow = {
          side: SIDES[all.readUInt8(at)]!,
          file: all.readUInt32LE(at + 1),
          version: all.readDoubleLE(at + 5),
          hash: all.readDoubleLE(at + 13),
          recorded: all.readDoubleLE(at + 21),
        };
        const rows = found.get(aggregate);
        if (rows === undefined) found.set(aggregate, [row]);
        else rows.push(row);
        at = end;
      }
      return found;
    },
  };
}

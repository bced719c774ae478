import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { ChecksumAlgorithm } from './checksums.ts';
import { type Journal, openJournal } from './journal.ts';
import { compareKeys, positionOf } from './key-order.ts';
import { fallbackPath, keyToPath, pathToKey } from './key-path.ts';

/** What is known of an object besides its bytes. */
export interface ObjectMeta {
  readonly key: string;
  /** Below the bucket's folder, with `/`. */
  readonly path: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  /** ContentType, CacheControl and so on, by their name in the API. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the user gave as `x-amz-meta-…`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksums?: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
  readonly checksumType?: 'FULL_OBJECT' | 'COMPOSITE';
  readonly tags?: Readonly<Record<string, string>>;
  /** The sizes of a multipart object's parts. */
  readonly parts?: readonly number[];
}

export interface Bucket {
  readonly name: string;
  readonly createdMs: number;
  /** Settings such as the policy, by the name of their API. */
  readonly settings: Map<string, unknown>;
  /** Sorted as S3 lists them. */
  readonly keys: readonly string[];
  get(key: string): ObjectMeta | undefined;
  put(meta: Omit<ObjectMeta, 'path'>, body: Buffer | ((temporaryPath: string) => void)): ObjectMeta;
  /** Changes what is known of an object, not its bytes. */
  describe(meta: ObjectMeta): void;
  remove(key: string): boolean;
  /** Bytes `[start, end)`; `undefined` when the file has gone from the disk. */
  read(meta: ObjectMeta, start: number, end: number): Buffer | undefined;
  localPath(key: string): string | undefined;
}

/** Buckets as folders of plain files; what else must be known lies in `.s3` beside them. */
export interface ObjectStore {
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** A folder for parts of uploads and the like, on the same file system. */
  readonly stateDir: string;
  createBucket(name: string, createdMs: number): Bucket;
  deleteBucket(name: string): void;
  /** Writes the buckets' settings down. */
  save(): void;
  close(): void;
}

interface Entry {
  readonly put?: ObjectMeta;
  /** The temporary file that the bytes were in when the line was written. */
  readonly from?: string;
  readonly delete?: string;
}

interface OpenBucket extends Bucket {
  close(): void;
}

export function openObjectStore(dir: string, freshName: () => string): ObjectStore {
  const stateDir = join(dir, '.s3');
  const temporaryDir = join(stateDir, 'tmp');
  mkdirSync(temporaryDir, { recursive: true });
  const listPath = join(stateDir, 'buckets.json');
  const buckets = new Map<string, OpenBucket>();
  const open = (name: string, createdMs: number, settings: Record<string, unknown>) => {
    const bucket = openBucket({ dir, stateDir, temporaryDir, freshName, name, createdMs, settings });
    buckets.set(name, bucket);
    return bucket;
  };
  const save = () => {
    const list = [...buckets.values()].map((bucket) => ({
      name: bucket.name,
      createdMs: bucket.createdMs,
      settings: Object.fromEntries(bucket.settings),
    }));
    writeFileSync(`${listPath}.new`, JSON.stringify(list));
    renameSync(`${listPath}.new`, listPath);
  };
  if (existsSync(listPath)) {
    for (const { name, createdMs, settings } of JSON.parse(readFileSync(listPath, 'utf8'))) {
      open(name, createdMs, settings);
    }
  }
  // What is left here was never acknowledged.
  for (const file of readdirSync(temporaryDir)) rmSync(join(temporaryDir, file), { recursive: true });

  return {
    buckets,
    stateDir,
    createBucket(name, createdMs) {
      const bucket = open(name, createdMs, {});
      save();
      return bucket;
    },
    deleteBucket(name) {
      buckets.get(name)?.close();
      buckets.delete(name);
      save();
      rmSync(join(stateDir, `${name}.jsonl`), { force: true });
      rmSync(join(dir, name), { recursive: true, force: true });
    },
    save,
    close() {
      for (const bucket of buckets.values()) bucket.close();
    },
  };
}

function openBucket(options: {
  readonly dir: string;
  readonly stateDir: string;
  readonly temporaryDir: string;
  readonly freshName: () => string;
  readonly name: string;
  readonly createdMs: number;
  readonly settings: Record<string, unknown>;
}): OpenBucket {
  const { temporaryDir, freshName, name } = options;
  const root = join(options.dir, name);
  mkdirSync(root, { recursive: true });
  const objects = new Map<string, ObjectMeta>();
  const paths = new Map<string, string>();
  let keys: string[] = [];
  const onDisk = (path: string) => join(root, path.split('/').join(sep));

  const remember = (meta: ObjectMeta) => {
    objects.set(meta.key, meta);
    paths.set(meta.path.toLowerCase(), meta.key);
  };
  const forget = (meta: ObjectMeta) => {
    objects.delete(meta.key);
    paths.delete(meta.path.toLowerCase());
  };
  const discard = (path: string) => {
    rmSync(onDisk(path), { force: true });
    for (let folder = dirname(onDisk(path)); folder.length > root.length; folder = dirname(folder)) {
      try {
        rmdirSync(folder);
      } catch {
        return; // not empty
      }
    }
  };

  const deleted = new Set<string>();
  const journal: Journal<Entry> = openJournal<Entry>(
    join(options.stateDir, `${name}.jsonl`),
    (entry) => {
      if (entry.put !== undefined) {
        const { put: meta, from } = entry;
        // The process ended between the line and the rename: the rename is made up for.
        if (from !== undefined && existsSync(join(temporaryDir, from))) {
          mkdirSync(dirname(onDisk(meta.path)), { recursive: true });
          renameSync(join(temporaryDir, from), onDisk(meta.path));
        }
        remember(meta);
      } else if (entry.delete !== undefined) {
        const meta = objects.get(entry.delete);
        if (meta === undefined) return;
        forget(meta);
        deleted.add(meta.path);
      }
    },
    function* () {
      for (const path of deleted) if (!paths.has(path.toLowerCase())) discard(path);
      reconcile();
      for (const meta of objects.values()) yield { put: meta };
    },
  );
  if (objects.size === 0) reconcile();
  keys = [...objects.keys()].sort(compareKeys);

  /** What lies on the disk is what the bucket holds: files that somebody put there, changed or took away by hand count. */
  function reconcile() {
    const seen = new Set<string>();
    for (const path of filesBelow(root)) {
      const key = paths.get(path.toLowerCase()) ?? pathToKey(path);
      if (key === undefined) continue;
      seen.add(key);
      const known = objects.get(key);
      const { size, mtimeMs } = statSync(onDisk(path));
      if (known?.size === size) continue;
      const etag = createHash('md5')
        .update(readFileSync(onDisk(path)))
        .digest('hex');
      const headers = known?.headers ?? { ContentType: 'binary/octet-stream' };
      remember({ key, path, size, etag, modifiedMs: Math.floor(mtimeMs), headers, metadata: known?.metadata ?? {} });
    }
    for (const meta of [...objects.values()]) if (!seen.has(meta.key)) forget(meta);
  }

  const bucket: OpenBucket = {
    name,
    createdMs: options.createdMs,
    settings: new Map(Object.entries(options.settings)),
    get keys() {
      return keys;
    },
    get: (key) => objects.get(key),
    put(given, body) {
      const old = objects.get(given.key);
      const natural = keyToPath(given.key);
      const path = old?.path ?? (paths.has(natural.toLowerCase()) ? fallbackPath(given.key) : natural);
      const meta: ObjectMeta = { ...given, path };
      const from = freshName();
      const temporary = join(temporaryDir, from);
      if (typeof body === 'function') body(temporary);
      else writeFileSync(temporary, body);
      mkdirSync(dirname(onDisk(path)), { recursive: true });
      journal.append({ put: meta, from });
      renameSync(temporary, onDisk(path));
      if (old === undefined) {
        const position = positionOf(keys, meta.key);
        if (position === keys.length) keys.push(meta.key);
        else keys.splice(position, 0, meta.key);
      }
      remember(meta);
      return meta;
    },
    describe(meta) {
      journal.append({ put: meta });
      remember(meta);
    },
    remove(key) {
      const meta = objects.get(key);
      if (meta === undefined) return false;
      journal.append({ delete: key });
      forget(meta);
      keys.splice(positionOf(keys, key), 1);
      discard(meta.path);
      return true;
    },
    read(meta, start, end) {
      let file: number;
      try {
        file = openSync(onDisk(meta.path), 'r');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return undefined;
      }
      try {
        const bytes = Buffer.allocUnsafe(Math.max(0, end - start));
        let filled = 0;
        while (filled < bytes.length) {
          const count = readSync(file, bytes, filled, bytes.length - filled, start + filled);
          if (count === 0) return bytes.subarray(0, filled);
          filled += count;
        }
        return bytes;
      } finally {
        closeSync(file);
      }
    },
    localPath(key) {
      const meta = objects.get(key);
      return meta === undefined ? undefined : onDisk(meta.path);
    },
    close: () => journal.close(),
  };
  return bucket;
}

function* filesBelow(root: string, below = ''): Iterable<string> {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, path);
    else if (entry.isFile()) yield path;
  }
}

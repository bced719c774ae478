import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { invalid, notFound } from './errors.ts';
import type { Change } from './stream/record.ts';
import { type Kept, type StreamState, TableStream } from './stream/table-stream.ts';
import type { TableDefinition } from './table/definition.ts';
import { checkItemKey, rowKey } from './table/key.ts';
import { Table, type Write } from './table/table.ts';
import { Expiry } from './ttl.ts';
import { itemSize } from './value/size.ts';
import { type Item, readItem } from './value/value.ts';
import { Visibility } from './visibility.ts';

/** What a journal keeps, in this order; applied again to an empty service, it makes the same tables and streams. */
export type JournalEntry =
  | { readonly kind: 'define'; readonly at: number; readonly definition: TableDefinition }
  | { readonly kind: 'drop'; readonly at: number; readonly table: string }
  | { readonly kind: 'split'; readonly at: number; readonly streamArn: string; readonly shardId: string }
  | {
      readonly kind: 'commit';
      readonly at: number;
      readonly writes: readonly {
        readonly table: string;
        readonly key: Item;
        readonly item?: Item;
        readonly expired?: true;
      }[];
      readonly token?: { readonly token: string; readonly fingerprint: string };
    }
  // What a compacted journal begins with: the present state, without the writes that led to it.
  | { readonly kind: 'items'; readonly table: string; readonly items: readonly Item[] }
  | { readonly kind: 'stream'; readonly state: StreamState }
  | {
      readonly kind: 'records';
      readonly streamArn: string;
      readonly shardId: string;
      readonly records: readonly Kept[];
    }
  | { readonly kind: 'tokens'; readonly tokens: readonly (readonly [string, Token])[] };

/** Faults and delays that a simulation brings in. Each is asked at its place; absent, the service is healthy. */
export interface DynamoDbFaults {
  /** Called before an operation does anything: it may throw a ServiceError (a throttle, an outage). */
  readonly before?: (operation: string, input: Json) => void;
  /** Called after an operation did everything: it may throw, and the caller then does not know. */
  readonly after?: (operation: string, input: Json) => void;
  /**
   * When each change of one commit appears in the table's stream, in milliseconds from now. Changes of one item keep
   * their order whatever it says, as AWS guarantees; changes of different items need not.
   */
  readonly streamDelays?: (tableName: string, changes: number) => readonly number[];
  /**
   * For each item of a transaction, the milliseconds until Query, Scan and BatchGetItem see it. Its caller has the
   * answer after the longest (only `handle` waits, `call` never does); until then other writers conflict with it.
   */
  readonly transactionSpread?: (items: number) => readonly number[];
  /** Whether to leave one request of a BatchWriteItem, or one key of a BatchGetItem, unprocessed, as under throttling. */
  readonly leaves?: (operation: 'BatchGetItem' | 'BatchWriteItem') => boolean;
  /** For how many milliseconds eventually consistent reads go on seeing an item of this table as it was before a write. */
  readonly staleness?: (tableName: string) => number;
  /** Whether the items of one hash key may now be in several partitions, and their changes so in several shards of the stream. */
  readonly splitsCollections?: (tableName: string) => boolean;
}

/** "DynamoDB … an idempotency token is valid for 10 minutes after the first request that uses it is completed". */
const TOKEN_MS = 10 * 60 * 1000;

interface Token {
  readonly fingerprint: string;
  readonly at: number;
}

/** Tables, streams and everything that changes them. Operations read through it and commit through it. */
export class Engine {
  readonly cloud: Cloud;
  readonly streamShards: number;
  readonly tables = new Map<string, Table>();
  readonly streams = new Map<string, TableStream>();
  faults: DynamoDbFaults = {};
  onCommit: ((entry: JournalEntry) => void) | undefined;
  readonly #tokens = new Map<string, Token>();
  readonly #expiry: Expiry;
  readonly #dueOf = new Map<string, number>();
  readonly #current = new Map<Table, TableStream>();
  readonly visibility = new Visibility();
  /** Milliseconds that the answer of the operation just done has to wait for its transaction. */
  answerDelay = 0;

  constructor(cloud: Cloud, streamShards: number) {
    this.cloud = cloud;
    this.streamShards = streamShards;
    this.#expiry = new Expiry(cloud.kernel, (table, key) => this.#expire(table, key));
  }

  now(): number {
    return this.cloud.kernel.clock.now();
  }

  tableArn(name: string): string {
    const { region, accountId } = this.cloud.account;
    return `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;
  }

  /** The table of a name or an ARN. */
  table(nameOrArn: string, message?: string): Table {
    const name = nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.indexOf(':table/') + 7) : nameOrArn;
    const table = this.tables.get(name);
    if (table === undefined && !/^[a-zA-Z0-9_.-]{3,255}$/.test(name)) {
      throw invalid(
        "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'",
      );
    }
    if (table === undefined || (name !== nameOrArn && nameOrArn !== table.arn)) throw notFound(message);
    return table;
  }

  stream(arn: string): TableStream {
    const stream = this.streams.get(arn);
    if (stream === undefined) throw notFound(`Requested resource not found: Stream: ${arn} not found`);
    return stream;
  }

  /** The stream that the table writes to now. */
  streamOf(table: Table): TableStream | undefined {
    return this.#current.get(table);
  }

  /** Creates the table, or changes it; its stream is opened or closed with it. */
  define(definition: TableDefinition, at: number = this.now()): Table {
    let table = this.tables.get(definition.name);
    const before = table === undefined ? undefined : this.streamOf(table);
    if (table === undefined) {
      table = new Table(definition, this.tableArn(definition.name));
      this.tables.set(table.name, table);
    } else {
      table.redefine(definition);
    }
    const arn = definition.stream === undefined ? undefined : `${table.arn}/stream/${definition.stream.label}`;
    if (before !== undefined && before.arn !== arn) {
      before.disable(at);
      this.#current.delete(table);
    }
    if (definition.stream !== undefined && arn !== undefined && before?.arn !== arn) {
      const stream = new TableStream({
        arn,
        ...definition.stream,
        tableName: table.name,
        key: table.key,
        region: this.cloud.account.region,
        createdAt: at,
        shards: this.streamShards,
      });
      this.streams.set(arn, stream);
      this.#current.set(table, stream);
    }
    this.#expiry.watch(table);
    this.onCommit?.({ kind: 'define', at, definition });
    return table;
  }

  drop(table: Table, at: number = this.now()): void {
    this.streamOf(table)?.disable(at);
    this.#current.delete(table);
    this.#expiry.forget(table);
    this.visibility.forget(table);
    this.tables.delete(table.name);
    this.onCommit?.({ kind: 'drop', at, table: table.name });
  }

  splitShard(streamArn: string, shardId: string, at: number = this.now()): void {
    this.stream(streamArn).split(shardId, at);
    this.onCommit?.({ kind: 'split', at, streamArn, shardId });
  }

  /** Tells the journal, which may refuse by throwing; then makes all of the writes; then shows them in the streams. */
  commit(writes: readonly Write[], token?: { token: string; fingerprint: string }, at: number = this.now()): void {
    if (this.onCommit !== undefined) this.onCommit(this.#journaled(writes, at, token));
    for (const write of writes) {
      write.table.apply(write);
      this.#expiry.note(write);
    }
    if (this.faults.staleness !== undefined) this.#lag(writes, at);
    if (token !== undefined) this.#tokens.set(token.token, { fingerprint: token.fingerprint, at });
    const [first] = writes;
    if (writes.length === 1 && first !== undefined) this.#show(first.table, [{ write: first, at }]);
    else for (const [table, changes] of groupByTable(writes, at)) this.#show(table, changes);
  }

  #lag(writes: readonly Write[], at: number): void {
    for (const write of writes) {
      const lag = this.faults.staleness?.(write.table.name) ?? 0;
      if (lag > 0) this.visibility.hide(write, at, at + lag);
    }
  }

  /** Spreads a transaction, which was just committed, over time, when a simulation asks for it. */
  spread(writes: readonly Write[]): void {
    const delays = this.faults.transactionSpread?.(writes.length);
    if (delays === undefined) return;
    const at = this.now();
    writes.forEach((write, i) => {
      const delay = delays[i] ?? 0;
      if (delay > 0) this.visibility.hide(write, at + delay, at + delay);
      this.answerDelay = Math.max(this.answerDelay, delay);
    });
  }

  #journaled(writes: readonly Write[], at: number, token?: { token: string; fingerprint: string }): JournalEntry {
    return {
      kind: 'commit',
      at,
      // What deletes nothing is nothing to keep.
      writes: writes.flatMap(({ table, item, old, expired }) => {
        const image = item ?? old?.item;
        if (image === undefined) return [];
        return {
          table: table.name,
          key: keyOf(table, image),
          ...(item === undefined ? {} : { item }),
          ...(expired === true ? { expired } : {}),
        };
      }),
      ...(token === undefined ? {} : { token }),
    };
  }

  #show(table: Table, changes: readonly Change[]): void {
    const stream = this.streamOf(table);
    if (stream === undefined) return;
    const byItem = this.faults.splitsCollections?.(table.name) === true;
    const delays = this.faults.streamDelays?.(table.name, changes.length);
    if (delays === undefined) {
      stream.append(changes, byItem);
      return;
    }
    changes.forEach((change, i) => {
      const { hash, order } = change.write.key;
      const item = `${stream.arn} ${hash}\u0000${order}`;
      const due = Math.max(change.at + (delays[i] ?? 0), this.#dueOf.get(item) ?? 0);
      this.#dueOf.set(item, due);
      this.cloud.kernel.scheduler.after(due - change.at, () => {
        if (this.#dueOf.get(item) === due) this.#dueOf.delete(item);
        stream.append([change], byItem);
      });
    });
  }

  /** Is the token known? Throws when it came with other parameters. */
  isRepeated(token: string, fingerprint: string): boolean {
    const now = this.now();
    for (const [key, { at }] of this.#tokens) {
      if (at + TOKEN_MS > now) break;
      this.#tokens.delete(key);
    }
    const known = this.#tokens.get(token);
    if (known === undefined) return false;
    if (known.fingerprint !== fingerprint) throw mismatch();
    return true;
  }

  #expire(table: Table, key: Item): void {
    const place = rowKey(table.key, key);
    const old = table.find(place);
    if (old !== undefined) this.commit([{ table, key: place, old, item: undefined, size: 0, expired: true }]);
  }

  /** Applies what a journal kept; nothing is journaled again. */
  restore(entries: Iterable<JournalEntry>): void {
    const journal = this.onCommit;
    this.onCommit = undefined;
    try {
      for (const entry of entries) this.#restoreOne(entry);
    } finally {
      this.onCommit = journal;
    }
  }

  #restoreOne(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'define':
        this.define(entry.definition, entry.at);
        return;
      case 'drop':
        this.drop(this.table(entry.table), entry.at);
        return;
      case 'split':
        this.splitShard(entry.streamArn, entry.shardId, entry.at);
        return;
      case 'commit': {
        const writes = entry.writes.map(({ table: name, key, item, expired }): Write => {
          const table = this.table(name);
          const place = rowKey(table.key, readItem(key));
          const read = item === undefined ? undefined : readItem(item);
          if (read !== undefined) checkItemKey(table.key, read);
          const size = read === undefined ? 0 : itemSize(read);
          return {
            table,
            key: place,
            old: table.find(place),
            item: read,
            size,
            ...(expired === true ? { expired } : {}),
          };
        });
        this.commit(writes, entry.token, entry.at);
        return;
      }
      case 'items': {
        const table = this.table(entry.table);
        for (const raw of entry.items) {
          const item = readItem(raw);
          const write = { table, key: rowKey(table.key, item), old: undefined, item, size: itemSize(item) };
          table.apply(write);
          this.#expiry.note(write);
        }
        return;
      }
      case 'stream': {
        const { options } = entry.state;
        const stream = this.streams.get(options.arn) ?? new TableStream(options);
        stream.restore(entry.state);
        this.streams.set(options.arn, stream);
        return;
      }
      case 'records':
        this.stream(entry.streamArn).restoreRecords(entry.shardId, entry.records);
        return;
      case 'tokens':
        for (const [token, used] of entry.tokens) this.#tokens.set(token, used);
    }
  }

  /** Entries that make everything as it is now. */
  *snapshot(): Generator<JournalEntry> {
    const now = this.now();
    for (const table of this.tables.values()) {
      const at = this.streamOf(table)?.options.createdAt ?? now;
      yield { kind: 'define', at, definition: table.definition };
      let items: Item[] = [];
      for (const partition of table.rows.partitions) {
        for (const { item } of partition.rows) {
          if (items.push(item) < CHUNK) continue;
          yield { kind: 'items', table: table.name, items };
          items = [];
        }
      }
      if (items.length > 0) yield { kind: 'items', table: table.name, items };
    }
    for (const stream of this.streams.values()) {
      const shards = stream.shards(now);
      yield { kind: 'stream', state: stream.state() };
      for (const { id: shardId, records } of shards) {
        for (let from = 0; from < records.length; from += CHUNK) {
          yield { kind: 'records', streamArn: stream.arn, shardId, records: records.slice(from, from + CHUNK) };
        }
      }
    }
    const tokens = [...this.#tokens];
    for (let from = 0; from < tokens.length; from += CHUNK) {
      yield { kind: 'tokens', tokens: tokens.slice(from, from + CHUNK) };
    }
  }
}

/** Items, records or tokens in one entry of a snapshot. */
const CHUNK = 100;

/** The API reference's text for the exception. */
function mismatch(): ServiceError {
  return new ServiceError(
    'IdempotentParameterMismatchException',
    'DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.',
  );
}

function keyOf(table: Table, item: Item): Item {
  return Object.fromEntries(table.key.attributes.map(({ name }) => [name, item[name]!]));
}

function groupByTable(writes: readonly Write[], at: number): Map<Table, Change[]> {
  const groups = new Map<Table, Change[]>();
  for (const write of writes) {
    const group = groups.get(write.table);
    if (group === undefined) groups.set(write.table, [{ write, at }]);
    else group.push({ write, at });
  }
  return groups;
}

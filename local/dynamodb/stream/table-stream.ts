import { invalid, invalidValue, notFound } from '../errors.ts';
import { hashOf } from '../table/rows.ts';
import { type Change, changesSomething, type RecordContext, type StreamRecord, toRecord } from './record.ts';

export interface Kept {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly record: StreamRecord;
}

/** A range of the hash keys' hashes. A split closes it, and its children go on with its halves. */
export interface Shard {
  readonly id: string;
  readonly parent?: string;
  /** Hashes in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly startingSequence: number;
  endingSequence?: number;
  /** Milliseconds since the epoch. */
  closedAt?: number;
  /** The last sequence number that has become too old. */
  trimmedTo?: number;
  readonly records: Kept[];
}

/** "All data in DynamoDB Streams is subject to a 24-hour lifetime" (developer guide). */
export const RETENTION_MS = 24 * 60 * 60 * 1000;
const HASHES = 2 ** 32;

/** Sequence numbers have 21 to 40 digits (API reference). */
export function sequenceText(sequence: number): string {
  return `1${String(sequence).padStart(20, '0')}`;
}

export function parseSequence(text: string): number {
  const sequence = /^1\d{20}$/.test(text) ? Number(text.slice(1)) : Number.NaN;
  if (!Number.isSafeInteger(sequence)) throw invalidValue(`Invalid SequenceNumber: ${text}`);
  return sequence;
}

/** Told of a shard that took records, or was closed (none): there is something to read of it. */
export type StreamListener = (shardId: string, records: readonly StreamRecord[]) => void;

export interface StreamOptions extends RecordContext {
  readonly arn: string;
  readonly label: string;
  readonly tableName: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** How many shards it begins with. */
  readonly shards: number;
}

/** A stream as a journal keeps it: everything but its records. */
export interface StreamState {
  readonly options: StreamOptions;
  readonly disabledAt?: number;
  readonly sequence: number;
  readonly shardCount: number;
  readonly shards: readonly Omit<Shard, 'records'>[];
}

/** The stream of one table: shards, their records, and who wants to hear of new ones. */
export class TableStream {
  readonly options: StreamOptions;
  /** Milliseconds since the epoch, once the stream was disabled or its table deleted. */
  disabledAt: number | undefined;
  #shards: Shard[] = [];
  readonly #listeners = new Set<StreamListener>();
  #sequence = 0;
  #shardCount = 0;
  readonly #idPrefix: string;

  constructor(options: StreamOptions) {
    this.options = options;
    this.#idPrefix = options.label.replace(/\D/g, '').padEnd(17, '0').slice(0, 17);
    const border = (i: number) => Math.floor((i * HASHES) / options.shards);
    for (let i = 0; i < options.shards; i++) this.#open(border(i), border(i + 1), options.createdAt);
  }

  get arn(): string {
    return this.options.arn;
  }

  #open(from: number, to: number, at: number, parent?: string): void {
    const number = (this.#shardCount++).toString(16).padStart(8, '0');
    this.#shards.push({
      id: `shardId-${String(at).padStart(20, '0')}-${number}`,
      ...(parent === undefined ? {} : { parent }),
      from,
      to,
      startingSequence: this.#sequence + 1,
      records: [],
    });
  }

  #close(shard: Shard, at: number): void {
    shard.closedAt = at;
    shard.endingSequence = this.#sequence;
    this.#tell(shard, []);
  }

  #tell(shard: Shard, records: readonly StreamRecord[]): void {
    for (const listener of this.#listeners) listener(shard.id, records);
  }

  /** Every shard that still has something to show, parents before children. */
  shards(now: number): readonly Shard[] {
    this.#trim(now);
    return this.#shards;
  }

  shard(id: string, now: number): Shard {
    const shard = this.shards(now).find((candidate) => candidate.id === id);
    if (shard !== undefined) return shard;
    throw notFound(`Requested resource not found: Shard: ${id} in Stream: ${this.arn} not found`);
  }

  #trim(now: number): void {
    const horizon = now - RETENTION_MS;
    for (const shard of this.#shards) {
      const { records } = shard;
      let gone = 0;
      while (gone < records.length && records[gone]!.at <= horizon) gone++;
      if (gone > 0) shard.trimmedTo = records.splice(0, gone).pop()!.sequence;
    }
    if (this.#shards.some(({ closedAt }) => closedAt !== undefined && closedAt <= horizon)) {
      this.#shards = this.#shards.filter(({ closedAt }) => closedAt === undefined || closedAt > horizon);
    }
  }

  /** Shows the changes, in their order: those of one hash key in one shard, unless their place is found `byItem`. */
  append(changes: readonly Change[], byItem = false): void {
    let touched: Map<Shard, StreamRecord[]> | undefined;
    for (const change of changes) {
      if (!changesSomething(change.write)) continue;
      const shard = this.#shardOf(change, byItem);
      if (shard === undefined) return;
      const sequence = ++this.#sequence;
      const text = sequenceText(sequence);
      const record = toRecord(change, this.options, this.#eventId(text), text);
      shard.records.push({ sequence, at: change.at, record });
      touched ??= new Map();
      const fresh = touched.get(shard);
      if (fresh === undefined) touched.set(shard, [record]);
      else fresh.push(record);
    }
    if (touched === undefined) return;
    for (const [shard, records] of touched) this.#tell(shard, records);
  }

  #shardOf({ write }: Change, byItem: boolean): Shard | undefined {
    const [only] = this.#shards;
    if (this.#shards.length === 1) return only?.closedAt === undefined ? only : undefined;
    const image = (write.item ?? write.old?.item)!;
    const place = byItem ? { S: write.key.hash + write.key.order } : image[this.options.key.hash.name]!;
    const hash = Number.parseInt(hashOf(place), 16);
    return this.#shards.find(({ from, to, closedAt }) => closedAt === undefined && hash >= from && hash < to);
  }

  /** An id that no other record has; like the sequence number, it is the same whenever the same writes are made again. */
  #eventId(sequence: string): string {
    return this.#idPrefix + sequence.slice(-15);
  }

  split(shardId: string, at: number): void {
    const shard = this.shard(shardId, at);
    if (shard.closedAt !== undefined) throw invalid(`Shard ${shardId} is closed already`);
    this.#close(shard, at);
    const middle = Math.floor((shard.from + shard.to) / 2);
    this.#open(shard.from, middle, at, shard.id);
    this.#open(middle, shard.to, at, shard.id);
  }

  disable(at: number): void {
    this.disabledAt = at;
    for (const shard of this.#shards) if (shard.closedAt === undefined) this.#close(shard, at);
  }

  state(): StreamState {
    return {
      options: this.options,
      ...(this.disabledAt === undefined ? {} : { disabledAt: this.disabledAt }),
      sequence: this.#sequence,
      shardCount: this.#shardCount,
      shards: this.#shards.map(({ records: _, ...shard }) => shard),
    };
  }

  restore({ disabledAt, sequence, shardCount, shards }: Omit<StreamState, 'options'>): void {
    this.disabledAt = disabledAt;
    this.#sequence = sequence;
    this.#shardCount = shardCount;
    this.#shards = shards.map((shard) => ({ ...shard, records: [] }));
  }

  restoreRecords(shardId: string, records: readonly Kept[]): void {
    this.#shards.find(({ id }) => id === shardId)?.records.push(...records);
  }

  listen(listener: StreamListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The sequence number that the next record will have. */
  get next(): number {
    return this.#sequence + 1;
  }
}

import type { Timer } from '../kernel/kernel.ts';
import { DueHeap } from './due-heap.ts';
import type { Content } from './message.ts';
import { type QueueSettings, readSettings } from './queue-attributes.ts';

export interface Message {
  readonly id: string;
  readonly content: Content;
  readonly bodyMd5: string;
  readonly senderId: string;
  readonly sentMs: number;
  readonly groupId: string | undefined;
  readonly deduplicationId: string | undefined;
  readonly sequence: string | undefined;
  /** The queue that gave it up, when this is a dead letter. */
  readonly deadFrom: string | undefined;
  /** `waiting` until `dueMs`: delayed, or in flight when it was received at least once since. */
  state: 'ready' | 'delayed' | 'inflight' | 'gone';
  dueMs: number;
  receiveCount: number;
  firstReceivedMs: number | undefined;
  /** Counts receptions and so tells an old receipt handle from the newest. */
  reception: number;
}

/** A receiver that waits for messages. */
export interface Waiter {
  /** Takes what is available; false when there was nothing. */
  receive(): boolean;
  /** Answers with what was received, or with nothing. */
  end(): void;
}

/** Is told of every change of a queue's messages, to write it down. */
export interface QueueKeeper {
  added(queue: Queue, message: Message): void;
  /** A message is out of sight until its `dueMs`. */
  held(queue: Queue, message: Message): void;
  removed(queue: Queue, message: Message): void;
  purged(queue: Queue): void;
}

interface Due {
  readonly message: Message;
  readonly dueMs: number;
}

/** One queue's messages. Standard queues hand out in order of availability, FIFO queues by message group. */
export class Queue {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  modifiedMs: number;
  readonly attributes: Map<string, string>;
  settings: QueueSettings;
  readonly tags = new Map<string, string>();
  readonly byId = new Map<string, Message>();
  readonly waiters = new Set<Waiter>();
  /** Deduplication ids of the last five minutes, with the message that they belong to. */
  readonly deduplication = new Map<string, { readonly message: Message; readonly untilMs: number }>();
  purgedMs = Number.NEGATIVE_INFINITY;
  inflight = 0;
  keeper: QueueKeeper | undefined;
  /** The timer that looks again for waiters, and when. */
  alarm: { readonly at: number; readonly timer: Timer } | undefined;
  /** How many sequence numbers were given out. */
  sequence = 0;
  /** Dead letters keep the time when they were sent first, so that messages are no longer in the order of their age. */
  private ageOrdered = true;
  private ready: Message[] = [];
  private readyFrom = 0;
  private readonly groups = new Map<string, Message[]>();
  private readonly due = new DueHeap<Due>();

  constructor(name: string, arn: string, attributes: Map<string, string>, nowMs: number) {
    this.name = name;
    this.arn = arn;
    this.attributes = attributes;
    this.settings = readSettings(attributes);
    this.createdMs = nowMs;
    this.modifiedMs = nowMs;
  }

  setAttributes(changes: ReadonlyMap<string, string>, nowMs: number): void {
    for (const [name, value] of changes) {
      if (value === '') this.attributes.delete(name);
      else this.attributes.set(name, value);
    }
    this.settings = readSettings(this.attributes);
    this.modifiedMs = nowMs;
  }

  /** Twenty digits that grow, as FIFO queues number their messages. */
  nextSequence(): string {
    return String(18_850_000_000_000_000_000n + BigInt(this.sequence++) * 256n);
  }

  add(message: Message): void {
    this.keeper?.added(this, message);
    this.byId.set(message.id, message);
    if (message.deadFrom !== undefined) this.ageOrdered = false;
    if (this.settings.fifo) {
      const group = this.groups.get(message.groupId!);
      if (group === undefined) this.groups.set(message.groupId!, [message]);
      else group.push(message);
    }
    if (message.state === 'ready') {
      if (!this.settings.fifo) this.ready.push(message);
    } else {
      if (message.state === 'inflight') this.inflight++;
      this.due.push(message.dueMs, { message, dueMs: message.dueMs });
    }
  }

  /** Makes available what is due, and forgets what is older than the retention period. */
  advance(nowMs: number): void {
    for (let at = this.due.next(); at !== undefined && at <= nowMs; at = this.due.next()) {
      const { message, dueMs } = this.due.pop()!;
      // An entry of an earlier visibility timeout is void.
      if (message.state === 'ready' || message.state === 'gone' || message.dueMs !== dueMs) continue;
      if (message.state === 'inflight') this.inflight--;
      message.state = 'ready';
      if (!this.settings.fifo) this.ready.push(message);
    }
    const oldest = nowMs - this.settings.retentionSeconds * 1000;
    for (const message of this.byId.values()) {
      if (message.sentMs <= oldest) this.remove(message);
      else if (this.ageOrdered) break;
    }
  }

  /** When something becomes available next without anyone's doing. */
  nextDueMs(): number | undefined {
    return this.due.next();
  }

  /** Is there a message to hand out? */
  hasReady(nowMs: number): boolean {
    this.advance(nowMs);
    if (!this.settings.fifo) {
      while (this.readyFrom < this.ready.length && this.ready[this.readyFrom]!.state !== 'ready') this.readyFrom++;
      return this.readyFrom < this.ready.length;
    }
    for (const _ of this.availableByGroup(1)) return true;
    return false;
  }

  /** The next messages to hand out, at most `count`; the caller must `hold` or `remove` each of them. */
  *available(count: number): Generator<Message> {
    if (this.settings.fifo) yield* this.availableByGroup(count);
    else yield* this.availableInOrder(count);
  }

  private *availableInOrder(count: number): Generator<Message> {
    for (let given = 0; given < count && this.readyFrom < this.ready.length; ) {
      const message = this.ready[this.readyFrom++]!;
      if (this.readyFrom > 1024 && this.readyFrom * 2 > this.ready.length) {
        this.ready = this.ready.slice(this.readyFrom);
        this.readyFrom = 0;
      }
      if (message.state !== 'ready') continue;
      given++;
      yield message;
    }
  }

  /** "When receiving messages from a FIFO queue with multiple message group IDs, SQS first attempts to return as many messages with the same message group ID as possible." */
  private *availableByGroup(count: number): Generator<Message> {
    let given = 0;
    const heads = [...this.groups.values()].sort((a, b) => (a[0]!.sequence! < b[0]!.sequence! ? -1 : 1));
    for (const group of heads) {
      // "No additional messages from the same group are returned until the messages in flight are deleted or visible again."
      if (group.some((message) => message.state === 'inflight')) continue;
      for (const message of [...group]) {
        if (given === count) return;
        if (message.state !== 'ready') break;
        given++;
        yield message;
      }
    }
  }

  /** Takes the message out of sight until `dueMs`. */
  hold(message: Message, dueMs: number): void {
    if (message.state !== 'inflight') this.inflight++;
    message.state = 'inflight';
    message.dueMs = dueMs;
    this.keeper?.held(this, message);
    this.due.push(dueMs, { message, dueMs });
  }

  remove(message: Message): void {
    if (message.state === 'inflight') this.inflight--;
    message.state = 'gone';
    this.keeper?.removed(this, message);
    this.byId.delete(message.id);
    if (!this.settings.fifo) return;
    const group = this.groups.get(message.groupId!);
    if (group === undefined) return;
    group.splice(group.indexOf(message), 1);
    if (group.length === 0) this.groups.delete(message.groupId!);
  }

  purge(): void {
    this.keeper?.purged(this);
    for (const message of this.byId.values()) message.state = 'gone';
    this.byId.clear();
    this.ready = [];
    this.readyFrom = 0;
    this.groups.clear();
    this.due.clear();
    this.inflight = 0;
  }

  /** Messages in the order in which they are handed out. */
  *inOrder(): Generator<Message> {
    if (this.settings.fifo) {
      for (const group of this.groups.values()) yield* group;
      return;
    }
    for (const message of this.ready.slice(this.readyFrom)) if (message.state === 'ready') yield message;
    for (const message of this.byId.values()) if (message.state !== 'ready') yield message;
  }

  count(state: Message['state']): number {
    let count = 0;
    for (const message of this.byId.values()) if (message.state === state) count++;
    return count;
  }
}

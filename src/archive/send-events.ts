import './errors.ts';
import { DaybookError } from '../errors.ts';
import { type Envelope, type EnvelopeEvent, filledEnvelope, toEnvelopeEvent } from '../feed/envelope.ts';
import { ENVELOPE_BYTES, headerBytesBound, jsonBytes } from '../feed/envelope-size.ts';
import type { FeedWriter } from '../feed/feed-writer.ts';
import { isUnreadable } from '../feed/read-run.ts';
import { type Backoff, type Pauses, pause, realPauses } from '../store/backoff.ts';
import type { EventTable } from '../store/event-table.ts';
import { rowProblem } from './row-fit.ts';

/** Gathers envelopes and puts many at once; what is refused for the moment is put again. */
export interface Sender {
  add(envelope: Envelope): Promise<void>;
  /** Puts what waits. */
  flush(): Promise<void>;
}

/** Below what a call of PutRecordBatch takes: 500 records, 4 MB. */
const MOST_ENVELOPES = 500;
const MOST_BYTES = 3_000_000;
const BACKOFF: Backoff = { attempts: 12, baseMs: 100, capMs: 10_000 };

export interface SenderOptions {
  /** The archive's Direct PUT stream. */
  readonly writer: FeedWriter;
  /** Told of envelopes that Firehose has taken. */
  readonly onSent?: (envelopes: readonly Envelope[]) => void;
  readonly pauses?: Pauses;
}

/** Calls follow each other, so what was added first is put first. Throws `archive.putRefused` when Firehose takes nothing for a minute. */
export function createSender({ writer, onSent = () => {}, pauses = realPauses }: SenderOptions): Sender {
  let waiting: Envelope[] = [];
  let bytes = 0;
  let putting: Promise<void> = Promise.resolve();

  async function put(envelopes: readonly Envelope[]): Promise<void> {
    let left = envelopes;
    for (let attempt = 1; ; attempt++) {
      left = await writer.put(left);
      if (left.length === 0) break;
      const { aggregate, from, to } = left[0]!;
      if (attempt >= BACKOFF.attempts)
        throw new DaybookError('archive.putRefused', { refused: left.length, aggregate, from, to });
      await pause(BACKOFF, attempt, pauses);
    }
    onSent(envelopes);
  }

  const flush = async () => {
    const envelopes = waiting;
    waiting = [];
    bytes = 0;
    if (envelopes.length > 0) putting = putting.then(() => put(envelopes));
    await putting;
  };

  return {
    async add(envelope) {
      waiting.push(envelope);
      bytes += sizeOf(envelope);
      if (waiting.length >= MOST_ENVELOPES || bytes >= MOST_BYTES) await flush();
    },
    flush,
  };
}

const sizeOf = ({ feed, aggregate, events }: Envelope): number =>
  events.reduce((sum, event) => sum + jsonBytes(event) + 1, headerBytesBound(feed, aggregate));

/** What of an aggregate cannot be sent. */
export interface Unsendable {
  readonly aggregate: string;
  readonly version: number;
  /**
   * `too large`: it fits no envelope (raw control characters, of which each becomes six bytes). `no row`: no row of the
   * archive can hold it, so that it would be refused whenever it came; `problem` says which column, and why.
   */
  readonly reason: 'not there' | 'no event' | 'too large' | 'no row';
  readonly problem?: string;
}

export interface SendPorts {
  /** The feed's id: the archive's transform refuses another's. */
  readonly feed: string;
  readonly table: Pick<EventTable, 'query'>;
}

/** Why an event was not sent, in words. */
export const whyUnsendable = ({ reason, problem }: Unsendable): string =>
  reason === 'no row' ? `no row can hold it: ${problem}` : `it is ${reason}`;

/** The events `[from..to]` of an aggregate as envelopes of the feed, as they are in the table, a page at a time. */
export async function* envelopesOf(
  { feed, table }: SendPorts,
  aggregate: string,
  from: number,
  to: number,
  onUnsendable: (unsendable: Unsendable) => void = () => {},
): AsyncGenerator<Envelope, void, undefined> {
  const room = ENVELOPE_BYTES - headerBytesBound(feed, aggregate);
  let next = from;
  let events: EnvelopeEvent[] = [];
  let bytes = 0;
  const take = (): Envelope[] => {
    if (events.length === 0) return [];
    const envelope = filledEnvelope(feed, aggregate, events[0]!.version, events.at(-1)!.version, events);
    events = [];
    bytes = 0;
    return [envelope];
  };
  for (let end = to; next <= to; end = to) {
    let bad: number | undefined;
    for (;;) {
      try {
        for await (const page of table.query(aggregate, { from: next, to: end, consistent: true })) {
          for (const stored of page) {
            if (stored.version > next) yield* take();
            for (; next < stored.version; next++) onUnsendable({ aggregate, version: next, reason: 'not there' });
            next++;
            const event = toEnvelopeEvent(stored);
            const size = jsonBytes(event) + 1;
            const unfit = rowProblem(event);
            if (bytes + size > room || unfit !== undefined) yield* take();
            if (unfit !== undefined) {
              const problem = `${unfit.column}, ${unfit.problem}`;
              onUnsendable({ aggregate, version: stored.version, reason: 'no row', problem });
            } else if (size > room) onUnsendable({ aggregate, version: stored.version, reason: 'too large' });
            else {
              events.push(event);
              bytes += size;
            }
          }
        }
        break;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        // The page with the item that is no event gave nothing: what stands before it is asked for without it.
        bad = error.details.version;
        end = bad - 1;
        if (end < next) break;
      }
    }
    if (bad === undefined) break;
    yield* take();
    for (; next < bad; next++) onUnsendable({ aggregate, version: next, reason: 'not there' });
    onUnsendable({ aggregate, version: bad, reason: 'no event' });
    next = bad + 1;
  }
  yield* take();
  for (; next <= to && to !== Number.MAX_SAFE_INTEGER; next++)
    onUnsendable({ aggregate, version: next, reason: 'not there' });
}

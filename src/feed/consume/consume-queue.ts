import '../errors.ts';
import { DaybookError } from '../../errors.ts';
import { type BatchAnswer, eachOf } from '../feed-batch.ts';
import { errorNote, type Observing } from '../observed.ts';
import type { Standing } from '../position-table.ts';
import { type BusNotice, readBusEvent } from './read-bus-event.ts';

export interface QueueBatch {
  readonly Records: readonly {
    readonly messageId: string;
    readonly body: string;
    /** `MessageGroupId` is there on FIFO queues. */
    readonly attributes?: { readonly MessageGroupId?: string };
  }[];
}

export interface QueuePorts {
  /** Is it of this feed? */
  belongs(notice: BusNotice): boolean;
  standings(aggregates: readonly string[]): Promise<ReadonlyMap<string, Standing>>;
  /** Takes notices of one aggregate, by version. */
  advance(
    aggregate: string,
    standings: ReadonlyMap<string, Standing>,
    notices: readonly BusNotice[],
    standsAt: (index: number) => void,
  ): Promise<void>;
}

/** Messages of one aggregate by version; when one fails, those after it are given back unseen. */
export async function consumeQueue(
  { Records: messages }: QueueBatch,
  seen: Observing,
  concurrency: number,
  { belongs, standings, advance }: QueuePorts,
): Promise<BatchAnswer> {
  const failed = new Set<string>();
  const byAggregate = new Map<string, { notice: BusNotice; id: string }[]>();
  for (const { messageId: id, body } of messages) {
    try {
      const notice = readBusEvent(parseBody(body));
      if (!belongs(notice)) continue;
      byAggregate.set(notice.aggregate, [...(byAggregate.get(notice.aggregate) ?? []), { notice, id }]);
    } catch (error) {
      failed.add(id);
      seen.note(errorNote('messageRefused', error, { messageId: id }));
    }
  }
  const standing = await standings([...byAggregate.keys()]);
  await eachOf([...byAggregate], concurrency, async ([aggregate, run]) => {
    run.sort((a, b) => a.notice.version - b.notice.version);
    let at = 0;
    try {
      const notices = run.map(({ notice }) => notice);
      await advance(aggregate, standing, notices, (index) => {
        at = index;
      });
    } catch (error) {
      const { notice, id } = run[at]!;
      for (const later of run.slice(at)) failed.add(later.id);
      seen.note(errorNote('messageFailed', error, { messageId: id, aggregate, version: notice.version }));
    }
  });
  giveBackGroups(messages, failed);
  seen.count('RecordsFailed', failed.size);
  const inOrder = messages.filter(({ messageId }) => failed.has(messageId));
  return { batchItemFailures: inOrder.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/**
 * Of a FIFO queue "your function should stop processing messages after the first failure and return all failed and unprocessed
 * messages in batchItemFailures" (Lambda's guide), so that a group's order is kept. Those done already are dropped when they
 * come again.
 */
function giveBackGroups(messages: QueueBatch['Records'], failed: Set<string>): void {
  const broken = new Set<string>();
  for (const { messageId, attributes } of messages) {
    const group = attributes?.MessageGroupId;
    if (group === undefined) continue;
    if (failed.has(messageId)) broken.add(group);
    else if (broken.has(group)) failed.add(messageId);
  }
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new DaybookError('feed.messageUnknown', { problem: 'its body is not JSON' });
  }
}

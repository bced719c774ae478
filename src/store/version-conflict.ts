import './errors.ts';
import { DaybookError } from '../errors.ts';
import { decoderOf, decodeStored } from '../event/decode-event.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { StoreContext } from './context.ts';
import { readHead, readRuns } from './read-runs.ts';
import type { ResolvedTarget } from './target.ts';

/** How many of the events that came between an error hands over. */
const MAX_EVENTS = 100;

/** The error of an append that came too late, with what came between. `found` is an event that is certainly there. */
export async function versionConflict(
  context: StoreContext,
  target: ResolvedTarget,
  expected: number,
  found: StoredEvent | undefined,
): Promise<DaybookError> {
  const { aggregateUuid, aggregateType } = target;
  const events: RecordedEvent[] = [];
  let actual = found?.version ?? expected + 1;
  try {
    const head = await readHead(context.table, aggregateUuid, context.pauses);
    actual = head?.version ?? actual;
    const range = { from: expected + 1, limit: MAX_EVENTS };
    for await (const run of readRuns(context.table, aggregateUuid, range, context.pauses)) {
      for (const stored of run) events.push(decode(target, stored));
    }
  } catch {
    // The conflict is what the caller must learn of; what cannot be read now, a load will say.
  }
  actual = Math.max(actual, events.at(-1)?.version ?? 0);
  const more = (events.at(-1)?.version ?? expected) < actual;
  return new DaybookError('append.versionConflict', { aggregateUuid, aggregateType, expected, actual, events, more });
}

function decode(target: ResolvedTarget, stored: StoredEvent): RecordedEvent {
  return (target.definition && decoderOf(target.definition.events).decode(stored)) ?? decodeStored(stored);
}

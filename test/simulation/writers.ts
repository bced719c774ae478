import type { MemoryEvents } from './memory-ports.ts';
import type { Pipe } from './pipe.ts';
import { type StreamRecord, storedEvent, streamRecord } from './records.ts';
import type { World } from './world.ts';

/** Appends of one run, and what must arrive of them. */
export interface Writers {
  /** By aggregate: everything up to it must arrive everywhere. */
  readonly expected: ReadonlyMap<string, number>;
  /** One more event of each aggregate: for consumers that lost their last batch nothing else would ring. */
  close(): void;
}

export function startWriters(world: World, events: MemoryEvents, pipe: Pipe): Writers {
  const { plan } = world;
  const expected = new Map<string, number>();
  const lengths = new Map<string, number>();
  const writesMs = plan.faultsMs - 2_000;

  const append = (aggregate: string, version: number, ringAfterMs = 0) => {
    const padding = 'x'.repeat(world.pick(0, 300));
    const recordedAt = new Date(world.now() - world.pick(0, 5000)).toISOString();
    const event = storedEvent(aggregate, version, { recordedAt, data: JSON.stringify({ amount: version, padding }) });
    events.put(event);
    world.note(`append ${aggregate}:${version}`);
    world.count('appended');
    world.count('bytes', event.data.length);
    ring(streamRecord(event, 'INSERT', world.pick(0, 9) > 0), ringAfterMs);
  };
  const ring = (record: StreamRecord, ms: number) => world.later(ms + world.pick(0, 20), () => pipe.ring(record));

  for (const [i, length] of plan.lengths.entries()) {
    const aggregate = `${'abcd'[i]}${plan.seed}-${i}`;
    const hole = plan.faults.has('permanentHole') && i === 0 ? world.pick(1, length) : undefined;
    const late = plan.faults.has('lateHole') && i === plan.lengths.length - 1 ? world.pick(1, length) : undefined;
    lengths.set(aggregate, length);
    expected.set(aggregate, hole === undefined ? length : hole - 1);
    let at = 0;
    const burst = world.pick(0, 1) === 0;
    for (let version = 1; version <= length; ) {
      at += burst ? world.pick(1, 20) : world.pick(0, (writesMs * 0.6) / length);
      const last = Math.min(length, version + world.pick(0, 2));
      const commit = Array.from({ length: last - version + 1 }, (_, n) => version + n);
      version = last + 1;
      let end = at;
      for (const each of commit) {
        if (each === hole) continue;
        const torn = plan.faults.has('tornCommit') && commit.length > 1 ? world.pick(0, 700) : 0;
        const shownAt = each === late ? writesMs + world.pick(0, 1500) : at + torn;
        // Its record may come long after it can be read.
        const ringAfter = plan.faults.has('tornCommit') ? world.pick(0, 500) : 0;
        world.later(shownAt, () => append(aggregate, each, ringAfter));
        if (each !== late) end = Math.max(end, shownAt);
      }
      at = end + 1;
    }
  }
  if (plan.faults.has('poison')) poison(world, ring);
  return {
    expected,
    close() {
      for (const [aggregate, length] of lengths) {
        if (expected.get(aggregate) === length) expected.set(aggregate, length + 1);
        append(aggregate, length + 1);
      }
    },
  };
}

/** Records that ring for nothing, or for no event: none of them may stop the others. */
function poison(world: World, ring: (record: StreamRecord, ms: number) => void): void {
  const { plan } = world;
  const known = storedEvent(`a${plan.seed}-0`, 1, { data: '{"changed":true}' });
  ring(streamRecord(known, 'MODIFY'), world.pick(0, 9000));
  ring(streamRecord(known, 'REMOVE'), world.pick(0, 9000));
  const foreign = streamRecord(storedEvent('poison', 3));
  const noEvent = { ...foreign, dynamodb: { Keys: foreign.dynamodb.Keys, NewImage: foreign.dynamodb.Keys } };
  ring(noEvent, world.pick(0, 9000));
}

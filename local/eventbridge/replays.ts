import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { type Archives, archiveOf } from './archives.ts';
import { type Buses, constraint, findBus, invalid, notFound, paged } from './bus.ts';
import { type BusEvent, withReplayName } from './event.ts';
import { matchRules } from './put-events.ts';

export interface Replay {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly sourceArn: string;
  readonly destination: { readonly Arn: string; readonly FilterArns?: readonly string[] };
  readonly fromMs: number;
  readonly toMs: number;
  readonly startedMs: number;
  state: 'STARTING' | 'RUNNING' | 'CANCELLED' | 'COMPLETED';
  lastReplayedMs: number | undefined;
  endedMs: number | undefined;
}

// Assumed: how long the service takes from one minute of events to the next.
const PAUSE_MS = 100;

export interface ReplayOptions {
  readonly replays: Map<string, Replay>;
  /** Writes a replay down, when everything is kept. */
  readonly changed?: ((replay: Replay) => void) | undefined;
}

/** The events of a replay by their minutes; those that it has sent already are left out. */
export function eventsLeft(archives: Archives, { sourceArn, fromMs, toMs, lastReplayedMs }: Replay): BusEvent[][] {
  const sent = lastReplayedMs === undefined ? Number.NEGATIVE_INFINITY : Math.floor(lastReplayedMs / 60_000);
  const archive = [...archives.values()].find(({ arn }) => arn === sourceArn);
  const within = (archive?.events ?? []).filter(
    (event) => timeOf(event) >= fromMs && timeOf(event) <= toMs && Math.floor(timeOf(event) / 60_000) > sent,
  );
  return byMinute(within);
}

/** "Events are replayed based on the time in the event, in intervals of one minute"; within one there is no order. */
export function runReplay(
  cloud: Cloud,
  buses: Buses,
  replay: Replay,
  minutes: readonly (readonly BusEvent[])[],
  changed?: (replay: Replay) => void,
): void {
  if (replay.state === 'CANCELLED') return;
  const [minute, ...rest] = minutes;
  const bus = findBus(buses, replay.destination.Arn);
  replay.state = minute === undefined ? 'COMPLETED' : 'RUNNING';
  if (minute === undefined) {
    replay.endedMs = cloud.kernel.clock.now();
    changed?.(replay);
    cloud.trace.note('events', 'replay completed', { replay: replay.name });
    return;
  }
  for (const event of minute) {
    replay.lastReplayedMs = timeOf(event);
    matchRules(cloud, buses, bus, withReplayName(event, replay.name), replay.destination.FilterArns);
  }
  changed?.(replay);
  cloud.kernel.scheduler.after(PAUSE_MS, () => runReplay(cloud, buses, replay, rest, changed));
}

export function replayOperations(
  cloud: Cloud,
  buses: Buses,
  archives: Archives,
  { replays, changed }: ReplayOptions = { replays: new Map() },
): Operations {
  const now = () => cloud.kernel.clock.now();
  const find = (name: Json): Replay => {
    const replay = replays.get(name);
    if (replay === undefined) throw notFound(`Replay ${name} does not exist.`);
    return replay;
  };

  return {
    StartReplay: operation(
      ['ReplayName', 'Description', 'EventSourceArn', 'EventStartTime', 'EventEndTime', 'Destination'],
      (input) => {
        const name = input.ReplayName;
        if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
          throw constraint(name, 'replayName', 'Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+');
        }
        if (replays.has(name)) {
          throw new ServiceError('ResourceAlreadyExistsException', `Replay ${name} already exists.`);
        }
        const archive = archiveOf(archives, input.EventSourceArn);
        const fromMs = milliseconds(input.EventStartTime, 'EventStartTime');
        const toMs = milliseconds(input.EventEndTime, 'EventEndTime');
        if (fromMs >= toMs)
          throw invalid('Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.');
        // "You can replay events only to the event bus that they were archived from."
        if (findBus(buses, input.Destination?.Arn).arn !== archive.sourceArn) {
          throw invalid('Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.');
        }
        const replay: Replay = {
          name,
          arn: `arn:aws:events:${cloud.account.region}:${cloud.account.accountId}:replay/${name}`,
          description: input.Description ?? undefined,
          sourceArn: archive.arn,
          destination: input.Destination,
          fromMs,
          toMs,
          startedMs: now(),
          state: 'STARTING',
          lastReplayedMs: undefined,
          endedMs: undefined,
        };
        replays.set(name, replay);
        changed?.(replay);
        const minutes = eventsLeft(archives, replay);
        cloud.kernel.scheduler.after(0, () => runReplay(cloud, buses, replay, minutes, changed));
        return { ReplayArn: replay.arn, State: replay.state, ReplayStartTime: replay.startedMs / 1000 };
      },
    ),

    DescribeReplay: operation(['ReplayName'], (input) => {
      const replay = find(input.ReplayName);
      return {
        ...summary(replay),
        ReplayArn: replay.arn,
        ...(replay.description !== undefined && { Description: replay.description }),
        Destination: replay.destination,
      };
    }),

    ListReplays: operation(['NamePrefix', 'EventSourceArn', 'State', 'NextToken', 'Limit'], (input) => {
      const found = [...replays.values()]
        .filter((replay) => replay.name.startsWith(input.NamePrefix ?? ''))
        .filter((replay) => input.EventSourceArn === undefined || replay.sourceArn === input.EventSourceArn)
        .filter((replay) => input.State === undefined || replay.state === input.State);
      const { page, next } = paged(found, input);
      return { Replays: page.map(summary), ...next };
    }),

    CancelReplay: operation(['ReplayName'], (input) => {
      const replay = find(input.ReplayName);
      if (replay.state !== 'STARTING' && replay.state !== 'RUNNING') {
        throw new ServiceError(
          'IllegalStatusException',
          `Replay ${replay.name} is not in a valid state for this operation.`,
        );
      }
      replay.state = 'CANCELLED';
      replay.endedMs = now();
      changed?.(replay);
      return { ReplayArn: replay.arn, State: 'CANCELLING' };
    }),
  };
}

const timeOf = (event: BusEvent): number => Date.parse(event.parsed().time);

function byMinute(events: readonly BusEvent[]): BusEvent[][] {
  const minutes = new Map<number, BusEvent[]>();
  for (const event of [...events].sort((a, b) => timeOf(a) - timeOf(b))) {
    const minute = Math.floor(timeOf(event) / 60_000);
    const known = minutes.get(minute);
    if (known === undefined) minutes.set(minute, [event]);
    else known.push(event);
  }
  return [...minutes.values()];
}

function summary(replay: Replay): Json {
  return {
    ReplayName: replay.name,
    EventSourceArn: replay.sourceArn,
    State: replay.state,
    EventStartTime: replay.fromMs / 1000,
    EventEndTime: replay.toMs / 1000,
    ...(replay.lastReplayedMs !== undefined && { EventLastReplayedTime: replay.lastReplayedMs / 1000 }),
    ReplayStartTime: replay.startedMs / 1000,
    ...(replay.endedMs !== undefined && { ReplayEndTime: replay.endedMs / 1000 }),
  };
}

function milliseconds(time: Json, name: string): number {
  if (typeof time !== 'number') throw invalid(`Parameter ${name} is not valid.`);
  return time * 1000;
}

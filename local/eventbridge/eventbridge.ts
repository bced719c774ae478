import type { Cloud, Json, Service } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import { handleBy } from '../operations.ts';
import { type Archives, archiveOperations, keep } from './archives.ts';
import { type Buses, busName, makeBus } from './bus.ts';
import { busOperations, policyOf } from './buses.ts';
import { keepEvents, keptDefinitions } from './kept-events.ts';
import { type EntryFaults, type EntryIntercept, putEventsOperations } from './put-events.ts';
import { type Replay, replayOperations } from './replays.ts';
import { ruleOperations } from './rules.ts';

export interface EventBridge extends Service {
  readonly name: 'events';
  /** The bus's resource policy, parsed, or undefined when it has none. */
  busPolicyOf(bus: string): Json | undefined;
  /** Lets single entries of PutEvents fail, so that it answers in part; `undefined` ends it. */
  intercept(fault: EntryIntercept | undefined): void;
}

export interface EventBridgeOptions {
  /** Where everything is kept. Default: nowhere. */
  readonly journal?: Journal;
}

/** EventBridge in memory with its default bus, registered with the cloud under `events`. */
export function createEventBridge(cloud: Cloud, options: EventBridgeOptions = {}): EventBridge {
  const buses: Buses = { account: cloud.account, byName: new Map(), keeper: undefined };
  buses.byName.set('default', makeBus(cloud.account, 'default', cloud.kernel.clock.now()));
  const archives: Archives = new Map();
  const replays = new Map<string, Replay>();
  const keeper = options.journal && keepEvents(options.journal, { cloud, buses, archives, replays });
  buses.keeper = keeper;
  const faults: EntryFaults = { intercept: undefined };
  const eventBridge: EventBridge = {
    name: 'events',
    handle: handleBy(
      'EventBridge',
      {
        ...keptDefinitions(
          {
            ...busOperations(cloud, buses),
            ...ruleOperations(cloud, buses),
            ...archiveOperations(cloud, buses, archives),
          },
          keeper,
        ),
        ...putEventsOperations(
          cloud,
          buses,
          (bus, event) => {
            const kept = keep(archives, bus, event, cloud.kernel.clock.now());
            if (kept.length > 0) keeper?.archived(kept, event);
          },
          faults,
        ),
        ...replayOperations(cloud, buses, archives, { replays, changed: keeper?.replayChanged }),
      },
      'ValidationException',
    ),
    busPolicyOf(bus) {
      const found = buses.byName.get(busName(bus));
      return found && policyOf(found);
    },
    intercept(fault) {
      faults.intercept = fault;
    },
  };
  cloud.register(eventBridge);
  return eventBridge;
}

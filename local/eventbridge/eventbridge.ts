import type { Cloud, Json, Service } from '../cloud.ts';
import { handleBy } from '../operations.ts';
import { type Archives, archiveOperations, keep } from './archives.ts';
import { type Buses, busName, makeBus } from './bus.ts';
import { busOperations, policyOf } from './buses.ts';
import { type EntryFaults, type EntryIntercept, putEventsOperations } from './put-events.ts';
import { replayOperations } from './replays.ts';
import { ruleOperations } from './rules.ts';

export interface EventBridge extends Service {
  readonly name: 'events';
  /** The bus's resource policy, parsed, or undefined when it has none. */
  busPolicyOf(bus: string): Json | undefined;
  /** Lets single entries of PutEvents fail, so that it answers in part; `undefined` ends it. */
  intercept(fault: EntryIntercept | undefined): void;
}

/** EventBridge in memory with its default bus, registered with the cloud under `events`. */
export function createEventBridge(cloud: Cloud): EventBridge {
  const buses: Buses = { account: cloud.account, byName: new Map() };
  buses.byName.set('default', makeBus(cloud.account, 'default', cloud.kernel.clock.now()));
  const archives: Archives = new Map();
  const faults: EntryFaults = { intercept: undefined };
  const eventBridge: EventBridge = {
    name: 'events',
    handle: handleBy(
      'EventBridge',
      {
        ...busOperations(cloud, buses),
        ...ruleOperations(cloud, buses),
        ...putEventsOperations(
          cloud,
          buses,
          (bus, event) => keep(archives, bus, event, cloud.kernel.clock.now()),
          faults,
        ),
        ...archiveOperations(cloud, buses, archives),
        ...replayOperations(cloud, buses, archives),
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

import { type Account, type Json, ServiceError } from '../cloud.ts';
import type { Timer } from '../kernel/kernel.ts';
import type { DeliveryKeeper } from './deliver.ts';

/** Where a rule sends what it matched; the wire's shape, checked. */
export interface Target {
  readonly Id: string;
  readonly Arn: string;
  readonly RoleArn?: string;
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: { readonly InputPathsMap?: Record<string, string>; readonly InputTemplate: string };
  readonly KinesisParameters?: { readonly PartitionKeyPath: string };
  readonly SqsParameters?: { readonly MessageGroupId?: string };
  readonly DeadLetterConfig?: { readonly Arn?: string };
  readonly RetryPolicy?: { readonly MaximumRetryAttempts?: number; readonly MaximumEventAgeInSeconds?: number };
}

export type RuleState = 'ENABLED' | 'DISABLED' | 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS';

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  pattern: string | undefined;
  matches: ((event: Json) => boolean) | undefined;
  schedule: string | undefined;
  /** The next firing of the schedule. */
  timer: Timer | undefined;
  state: RuleState;
  description: string | undefined;
  roleArn: string | undefined;
  readonly targets: Map<string, Target>;
  readonly tags: Map<string, string>;
}

/** What a delivery needs to know of its rule. */
export type DeliveringRule = Pick<Rule, 'name' | 'arn' | 'bus'>;

export interface Bus {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  modifiedMs: number;
  description: string | undefined;
  /** The resource policy's statements by their id. */
  readonly statements: Map<string, Json>;
  readonly rules: Map<string, Rule>;
  readonly tags: Map<string, string>;
}

export interface Buses {
  readonly account: Account;
  readonly byName: Map<string, Bus>;
  /** Writes deliveries down, when everything is kept. */
  keeper: DeliveryKeeper | undefined;
}

export function makeBus(account: Account, name: string, nowMs: number): Bus {
  return {
    name,
    arn: `arn:aws:events:${account.region}:${account.accountId}:event-bus/${name}`,
    createdMs: nowMs,
    modifiedMs: nowMs,
    description: undefined,
    statements: new Map(),
    rules: new Map(),
    tags: new Map(),
  };
}

/** A rule on the default bus has a short ARN. */
export function ruleArn(account: Account, bus: string, name: string): string {
  return `arn:aws:events:${account.region}:${account.accountId}:rule/${bus === 'default' ? name : `${bus}/${name}`}`;
}

/** A bus is named by its name or its ARN; without either the default one is meant. */
export function busName(given: Json): string {
  if (given === undefined || given === null) return 'default';
  return String(given).replace(/^arn:[^:]+:events:[^:]*:[^:]*:event-bus\//, '');
}

export function findBus(buses: Buses, given: Json): Bus {
  const name = busName(given);
  const bus = buses.byName.get(name);
  if (bus === undefined) throw notFound(`Event bus ${name} does not exist.`);
  return bus;
}

export function findRule(buses: Buses, input: Json, name: Json = input.Name): Rule {
  const bus = findBus(buses, input.EventBusName);
  const rule = bus.rules.get(name);
  if (rule === undefined) throw notFound(`Rule ${name} does not exist on EventBus ${bus.name}.`);
  return rule;
}

export const notFound = (message: string): ServiceError => new ServiceError('ResourceNotFoundException', message);
export const invalid = (message: string): ServiceError => new ServiceError('ValidationException', message);

/** A constraint that a parameter breaks, in the words of AWS's validation. */
export function constraint(value: Json, at: string, rule: string): ServiceError {
  return invalid(`1 validation error detected: Value '${value}' at '${at}' failed to satisfy constraint: ${rule}`);
}

/** A page of `items`; the token is the number of items before it. */
export function paged<T>(items: readonly T[], input: Json): { page: T[]; next: { NextToken?: string } } {
  const from = Number(input.NextToken ?? 0);
  const page = items.slice(from, from + (input.Limit ?? 100));
  const reached = from + page.length;
  return { page, next: reached < items.length ? { NextToken: String(reached) } : {} };
}

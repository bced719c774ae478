import type { ServiceName } from '../cloud.ts';
import { HostError } from '../host/errors.ts';
import { FAULTS, type Fault, SERVICE_FAULTS } from './faults.ts';

/** How likely each fault of each service is. */
export type ChaosPlan = ReadonlyMap<ServiceName, Readonly<Partial<Record<Fault, number>>>>;

/**
 * Reads what `--chaos-only` takes: `SERVICE[:FAULT[=RATE]]`, separated by commas; without it every fault of every service.
 *
 * @throws HostError `local.chaos` when a service or fault is not known, or a service cannot show a fault.
 * @example
 * readPlan('dynamodb:throttle=0.05,kinesis:repeat,events'); // a rate is the fault's own unless it is given
 */
export function readPlan(only?: string): ChaosPlan {
  const plan = new Map<ServiceName, Partial<Record<Fault, number>>>();
  const add = (service: ServiceName, fault: Fault, rate: number) => {
    plan.set(service, { ...plan.get(service), [fault]: rate });
  };
  const all = Object.keys(SERVICE_FAULTS).map((service) => service as ServiceName);
  for (const item of only?.split(',') ?? all) {
    const [, name = '', fault, rate] = /^([a-z0-9]+)(?::([a-z]+)(?:=(.*))?)?$/.exec(item.trim()) ?? [];
    const faults = SERVICE_FAULTS[name as ServiceName];
    if (faults === undefined) throw wrong(item, `services are ${all.join(', ')}`);
    const own = Object.entries(faults.rates) as [Fault, number][];
    const chosen = fault === undefined ? own : own.filter(([one]) => one === fault);
    if (chosen.length === 0) {
      const known = FAULTS.some((one) => one === fault);
      const can = own.map(([one]) => one).join(', ');
      throw wrong(item, known ? `${name} never shows it on AWS; it can ${can}` : `faults of ${name} are ${can}`);
    }
    for (const [one, usual] of chosen) add(name as ServiceName, one, rate === undefined ? usual : readRate(item, rate));
  }
  return plan;
}

function readRate(item: string, text: string): number {
  const rate = Number(text);
  if (text !== '' && rate >= 0 && rate <= 1) return rate;
  throw wrong(item, `a rate is a number from 0 to 1, not ${text}`);
}

const wrong = (item: string, problem: string) => new HostError('local.chaos', { item, problem });

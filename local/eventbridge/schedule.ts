import type { Cloud } from '../cloud.ts';
import type { Buses, Rule } from './bus.ts';
import { parseSchedule, type Schedule } from './cron.ts';
import { deliver } from './deliver.ts';
import { makeEvent } from './event.ts';

/** Timers of the operating system reach 24 days at most. */
const LONGEST_WAIT_MS = 86_400_000;

/** Starts, or after a change starts anew, the firing of a rule that has a schedule. */
export function reschedule(cloud: Cloud, buses: Buses, rule: Rule): void {
  stopSchedule(rule);
  const schedule = rule.schedule === undefined ? undefined : parseSchedule(rule.schedule);
  if (schedule !== undefined && rule.state !== 'DISABLED') plan(cloud, buses, rule, schedule, cloud.kernel.clock.now());
}

export function stopSchedule(rule: Rule): void {
  rule.timer?.cancel();
  rule.timer = undefined;
}

function plan(cloud: Cloud, buses: Buses, rule: Rule, schedule: Schedule, fromMs: number): void {
  const at = schedule.after(fromMs);
  if (at === undefined) return;
  const { clock, scheduler } = cloud.kernel;
  const wait = () => {
    const left = at - clock.now();
    rule.timer = scheduler.after(Math.max(0, Math.min(left, LONGEST_WAIT_MS)), () => {
      if (at > clock.now()) return wait();
      fire(cloud, buses, rule, at);
      plan(cloud, buses, rule, schedule, at);
    });
  };
  wait();
}

/** The event that a schedule sends (user guide, "Scheduled Event"). */
function fire(cloud: Cloud, buses: Buses, rule: Rule, at: number): void {
  const event = makeEvent(
    cloud.account,
    {
      id: cloud.kernel.random.uuid(),
      source: 'aws.events',
      detailType: 'Scheduled Event',
      timeMs: at,
      resources: [rule.arn],
      detail: '{}',
    },
    cloud.kernel.clock.now(),
  );
  cloud.trace.note('events', 'schedule fired', { rule: rule.name, event: event.id });
  for (const target of rule.targets.values()) deliver(cloud, buses.keeper, rule, target, event);
}

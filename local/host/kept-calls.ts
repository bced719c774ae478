import type { Caller, Cloud, Json, ServiceName } from '../cloud.ts';
import type { Journal } from '../journal.ts';

interface KeptCall {
  readonly caller: Caller;
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: Json;
}

/** What people make beside the template, of services whose own definitions come from the template at each start. */
export interface KeptCalls {
  /** The cloud, its calls that make or change something kept. */
  keeping(cloud: Cloud): Cloud;
  /**
   * Makes the calls of earlier starts again, in their order. What they made of a resource that the template has changed since
   * counts no more: CloudFormation's update brings it to what the template says.
   */
  repeat(cloud: Cloud, updated: ReadonlySet<string>): Promise<void>;
}

/** Calls on these counted until their template changed. */
interface Superseded {
  readonly superseded: readonly string[];
}

const KEPT: Readonly<Partial<Record<ServiceName, RegExp>>> = {
  lambda: /^(Create|Update|Delete|Put|Add|Remove|Publish)/,
  pipes: /^(Create|Update|Delete|Start|Stop)Pipe$/,
  firehose: /^(Create|Update|Delete)/,
};

/** What a call makes anew, changes or removes that a template may have: its name, ARN or id. */
const CHANGED: Readonly<Partial<Record<ServiceName, readonly [operations: RegExp, member: string]>>> = {
  lambda: [/^(Create|Update|Delete)Function(Configuration|Code)?$/, 'FunctionName'],
  pipes: [/^(Create|Update|Delete)Pipe$/, 'Name'],
  firehose: [/^(CreateDeliveryStream|DeleteDeliveryStream|UpdateDestination)$/, 'DeliveryStreamName'],
};

function changedBy({ service, operation, input }: KeptCall): string | undefined {
  const [operations, member] = CHANGED[service] ?? [];
  if (/^(Update|Delete)EventSourceMapping$/.test(operation)) return input.UUID;
  return operations?.test(operation) === true ? input[member!] : undefined;
}

export function keepCalls(journal: Journal, say: (line: string) => void): KeptCalls {
  let calls: KeptCall[] = [];
  const isAbout = (names: ReadonlySet<string>) => (call: KeptCall) => names.has(changedBy(call) ?? '');
  const drop = (names: ReadonlySet<string>) => {
    calls = calls.filter((call) => !isAbout(names)(call));
  };
  const write = journal.join<KeptCall | Superseded>('calls', {
    restore(entry) {
      if ('superseded' in entry) drop(new Set(entry.superseded));
      else calls.push(entry);
    },
    snapshot: () => calls,
  });
  return {
    keeping: (cloud) => ({
      ...cloud,
      async call(caller, service, operation, input) {
        const answer = await cloud.call(caller, service, operation, input);
        if (KEPT[service]?.test(operation)) {
          const call = { caller, service, operation, input };
          calls.push(call);
          write(call);
        }
        return answer;
      },
    }),
    async repeat(cloud, updated) {
      const about = calls.filter(isAbout(updated));
      if (about.length > 0) {
        for (const name of new Set(about.map((call) => changedBy(call)!)))
          say(
            `template: ${name} changed in the template: what was made of it by hand at an earlier start counts no more`,
          );
        drop(updated);
        write({ superseded: [...updated] });
      }
      for (const { caller, service, operation, input } of calls) {
        try {
          await cloud.call(caller, service, operation, input);
        } catch (error) {
          const { code, message } = error as { code?: string; message: string };
          say(
            `template: ${operation}, made by hand at an earlier start, does not fit any more: ${code ?? ''} ${message}`,
          );
        }
      }
    },
  };
}

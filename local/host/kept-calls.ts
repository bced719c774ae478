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
  /** Makes the calls of earlier starts again, in their order. */
  repeat(cloud: Cloud): Promise<void>;
}

const KEPT: Readonly<Partial<Record<ServiceName, RegExp>>> = {
  lambda: /^(Create|Update|Delete|Put|Add|Remove|Publish)/,
  pipes: /^(Create|Update|Delete|Start|Stop)Pipe$/,
  firehose: /^(Create|Update|Delete)/,
};

export function keepCalls(journal: Journal, say: (line: string) => void): KeptCalls {
  const calls: KeptCall[] = [];
  const write = journal.join<KeptCall>('calls', {
    restore: (call) => void calls.push(call),
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
    async repeat(cloud) {
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

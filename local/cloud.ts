import type { Kernel } from './kernel/kernel.ts';

/** The services that the runtime hosts, by the name that IAM actions begin with. */
export type ServiceName =
  | 'dynamodb'
  | 'dynamodbstreams'
  | 'kinesis'
  | 'sqs'
  | 'events'
  | 'lambda'
  | 'pipes'
  | 'states'
  | 's3'
  | 'firehose'
  | 'glue'
  | 'athena'
  | 'cloudformation'
  | 'sts';

/**
 * One service's core. Input and output have the AWS wire shape of the JSON protocols (blobs are base64 text); S3 and
 * Lambda bodies are Buffers. An operation that a service does not have must fail with `UnknownOperationException`.
 */
export interface Service {
  readonly name: ServiceName;
  handle(operation: string, input: Json, caller: Caller): Promise<Json> | Json;
}

// The wire is untyped by nature: each operation checks its own input.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Json = any;

/**
 * Who calls: a role's ARN, `service:<name>.amazonaws.com`, or `root` for the person at the laptop, who may do everything
 * that no resource policy denies to all.
 */
export interface Caller {
  readonly principal: string;
  /** For a service: the resource on whose behalf it calls (`aws:SourceArn`), such as the rule that matched. */
  readonly sourceArn?: string;
}

export const ROOT: Caller = { principal: 'root' };

export interface Account {
  readonly accountId: string;
  readonly region: string;
}

export const LOCAL_ACCOUNT: Account = { accountId: '000000000000', region: 'us-east-1' };

/** An error as AWS answers it: `code` becomes `__type` (or `<Code>`), `fields` stand beside the message. */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, Json>>;

  constructor(code: string, message: string, options: { status?: number; fields?: Record<string, Json> } = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = options.status ?? 400;
    this.fields = options.fields ?? {};
  }
}

/** Says no to a call that the caller's policies do not allow, by throwing; the host brings one that reads the template's policies. */
export type Authorize = (caller: Caller, service: ServiceName, operation: string, input: Json) => void;

/** The one door through which everything calls everything: the HTTP front, Lambda code, pipes, rules, state machines. */
export interface Cloud {
  readonly kernel: Kernel;
  readonly account: Account;
  call(caller: Caller, service: ServiceName, operation: string, input: Json): Promise<Json>;
  register(service: Service): void;
  setAuthorize(authorize: Authorize): void;
  /** For the terminal, tests and `--json`: what flows where. */
  readonly trace: Trace;
}

/** A notice of something that flowed, without payloads. */
export interface TraceEntry {
  readonly at: number;
  readonly service: ServiceName;
  readonly what: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

export interface Trace {
  note(service: ServiceName, what: string, detail?: TraceEntry['detail']): void;
  subscribe(listener: (entry: TraceEntry) => void): () => void;
}

export function createCloud(kernel: Kernel, account: Account = LOCAL_ACCOUNT): Cloud {
  const services = new Map<ServiceName, Service>();
  const listeners = new Set<(entry: TraceEntry) => void>();
  let authorize: Authorize = () => {};
  return {
    kernel,
    account,
    register(service) {
      services.set(service.name, service);
    },
    setAuthorize(next) {
      authorize = next;
    },
    async call(caller, name, operation, input) {
      const service = services.get(name);
      if (service === undefined) throw new ServiceError('UnknownOperationException', `${name} is not hosted here`);
      authorize(caller, name, operation, input);
      return await service.handle(operation, input, caller);
    },
    trace: {
      note(service, what, detail = {}) {
        if (listeners.size === 0) return;
        const entry = { at: kernel.clock.now(), service, what, detail };
        for (const listener of listeners) listener(entry);
      },
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
}

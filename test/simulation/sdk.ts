import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as kinesis from '@aws-sdk/client-kinesis';
import { type Json, ServiceError, type ServiceName } from '../../local/cloud.ts';

type SdkService = Extract<ServiceName, 'dynamodb' | 'kinesis' | 'events'>;

/** Makes one call of a service's core; the input and the answer are those of the wire. */
export type Call = (service: SdkService, operation: string, input: Json) => Promise<Json>;

interface Command {
  readonly operation: string;
  readonly input: Json;
}

/**
 * The packages of the SDK as the code under test gets them: the SDK's own exceptions, clients without the way over HTTP, which would
 * take most of a run's time, and commands that hold their input as the SDK's do, without the stack of middleware that each of those makes.
 */
export function sdkOf(call: Call): (name: string) => unknown {
  const clientOf = (service: SdkService) =>
    function newClient() {
      return new Client(call, service);
    };
  const packages: Record<string, unknown> = {
    '@aws-sdk/client-dynamodb': withClient(DYNAMODB, { DynamoDBClient: clientOf('dynamodb') }),
    '@aws-sdk/client-kinesis': withClient(KINESIS, { KinesisClient: clientOf('kinesis') }),
    '@aws-sdk/client-eventbridge': withClient(EVENTBRIDGE, { EventBridgeClient: clientOf('events') }),
  };
  return (name) => packages[name];
}

/** One class for the clients of all environments: what calls them is compiled for one kind of object. */
class Client {
  readonly middlewareStack = NO_MIDDLEWARE;
  readonly #call: Call;
  readonly #service: SdkService;

  constructor(call: Call, service: SdkService) {
    this.#call = call;
    this.#service = service;
  }

  send(command: Command): Promise<Json> {
    return send(this.#call, this.#service, command);
  }
}

const withClient = (of: object, client: object): unknown => Object.assign(Object.create(of), client);

/** Takes what is put on a stack, and nothing comes of it: there is no way over HTTP. */
const NO_MIDDLEWARE = { add() {}, remove: () => true };

const COMMAND = 'Command';

const withLightCommands = (of: object): object =>
  Object.fromEntries(
    Object.entries(of).map(([name, value]) => [
      name,
      name.endsWith(COMMAND) ? commandOf(name.slice(0, -COMMAND.length)) : value,
    ]),
  );

function commandOf(operation: string) {
  return class implements Command {
    readonly input: Json;

    constructor(input: Json) {
      this.input = input;
    }

    get operation() {
      return operation;
    }

    get middlewareStack() {
      return NO_MIDDLEWARE;
    }
  };
}

// Made once: the environments of all runs share them.
const DYNAMODB = withLightCommands(dynamodb);
const KINESIS = withLightCommands(kinesis);
const EVENTBRIDGE = withLightCommands(eventbridge);

async function send(call: Call, service: SdkService, { operation, input: given }: Command): Promise<Json> {
  const input = operation === 'PutRecords' ? withTextData(given) : given;
  try {
    return await call(service, operation, input);
  } catch (error) {
    throw error instanceof ServiceError ? toException(error) : error;
  }
}

/** Blobs are base64 text on the wire. */
const withTextData = (input: Json): Json => ({
  ...input,
  Records: input.Records.map((record: Json) => ({ ...record, Data: Buffer.from(record.Data).toString('base64') })),
});

const EXCEPTIONS: Record<string, unknown> = { ...kinesis, ...dynamodb };

/** The error as the SDK throws it: of its own class where it has one. */
export function toException(error: ServiceError): Error {
  const { code, message, status, fields } = error;
  const details = { message, $metadata: { httpStatusCode: status }, ...fields };
  const Exception = EXCEPTIONS[code] as (new (details: object) => Error) | undefined;
  if (Exception !== undefined) return new Exception(details);
  return Object.assign(new Error(message), { name: code, ...details });
}

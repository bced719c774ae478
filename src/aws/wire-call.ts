import { Readable } from 'node:stream';
import { DescribeEndpointsCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** The operations of DynamoDB that an event table needs. */
type Operation = 'GetItem' | 'PutItem' | 'Query' | 'Scan' | 'TransactWriteItems';

type ResolveArguments = Parameters<DescribeEndpointsCommand['resolveMiddlewareWithContext']>;

/** Where an answer's bytes are gathered; given again, the same memory takes the next answer. */
export interface Room {
  bytes: Buffer;
}

export const newRoom = (): Room => ({ bytes: NO_BYTES });

/** The part of the SDK's HTTP answer that is used here. */
interface HttpAnswer {
  readonly statusCode: number;
  body: unknown;
}

const NOTHING = new Uint8Array();
const NO_BYTES = Buffer.alloc(0);

/** Schemas of the SDK: bytes, which its serializer passes on as they are, and nothing. */
const BYTES = 21;
const UNIT = 'unit';

/**
 * Any operation whose input and answer are JSON as they stand: texts and numbers are, which is all that events are made of.
 * The SDK's own commands walk each attribute of every item by a schema, which takes 85 % of the CPU of a load (measured) and
 * has its size in each bundle. Endpoints, signing, retries and errors stay the SDK's.
 */
class WireCommand extends DescribeEndpointsCommand {
  readonly operation: Operation;
  readonly tableName: string;

  constructor(operation: Operation, tableName: string, input: object) {
    // The one command that each bundle of the client has in it anyway.
    super(input);
    this.operation = operation;
    this.tableName = tableName;
    this.middlewareStack.add(
      (next) => (args) => {
        (args.request as { body: unknown }).body = Buffer.from(JSON.stringify(args.input));
        return next(args);
      },
      // Behind the serializer, before the length and the signature are taken.
      { step: 'serialize', priority: 'low' },
    );
  }

  override resolveMiddlewareWithContext(...[stack, configuration, options, about]: ResolveArguments) {
    const instructions = {
      ...about.CommandCtor.getEndpointParameterInstructions(),
      // As the SDK's commands have it: a table's ARN names the account that is asked.
      ResourceArn: { type: 'operationContextParams', get: () => this.tableName },
    };
    return super.resolveMiddlewareWithContext(stack, configuration, options, {
      ...about,
      commandName: `${this.operation}Command`,
      CommandCtor: { getEndpointParameterInstructions: () => instructions },
      smithyContext: {
        ...about.smithyContext,
        operation: this.operation,
        operationSchema: [9, 'com.amazonaws.dynamodb', this.operation, 0, BYTES, UNIT],
      },
    });
  }
}

/** The answer's bytes, which are in `room`: they stay what they are until it is given again. */
export async function wireCall(
  client: DynamoDBClient,
  operation: Operation,
  tableName: string,
  input: object,
  room: Room = newRoom(),
): Promise<Buffer> {
  const command = new WireCommand(operation, tableName, input);
  let answer = room.bytes;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const http = result.response as HttpAnswer;
      if (http.statusCode !== 200) return result;
      answer = await gather(http.body, client, room);
      http.body = NOTHING;
      return result;
    },
    // Nearer to the wire than the deserialiser, which then finds an empty answer.
    { step: 'deserialize', priority: 'low' },
  );
  await client.send(command);
  return answer;
}

/** Outside of V8's heap, in memory that is used again: what page after page would leave there is cleared away late. */
async function gather(body: unknown, client: DynamoDBClient, room: Room): Promise<Buffer> {
  if (!(body instanceof Readable)) {
    const bytes = body instanceof Uint8Array ? body : await client.config.streamCollector(body);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  let length = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    if (length + part.length > room.bytes.length) {
      const more = Buffer.allocUnsafeSlow(Math.max(length * 2, length + part.length));
      room.bytes.copy(more, 0, 0, length);
      room.bytes = more;
    }
    part.copy(room.bytes, length);
    length += part.length;
  }
  return room.bytes.subarray(0, length);
}

import { Readable } from 'node:stream';
import type { DynamoDBClient, GetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';

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

/**
 * Sends what reads items and gives the answer's bytes, which are in `room`: they stay what they are until it is given again.
 * The SDK's own deserialiser walks each attribute of every item by a schema, which takes 85 % of the CPU of a load (measured);
 * texts and numbers, all that events are made of, need none of it. Commands, signing, retries and errors stay the SDK's.
 */
export async function readItems(
  client: DynamoDBClient,
  command: GetItemCommand | QueryCommand | ScanCommand,
  room: Room = newRoom(),
): Promise<Buffer> {
  const { middlewareStack } = command as QueryCommand; // neither it nor `send` takes a union
  let answer: Buffer | undefined;
  middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const http = result.response as HttpAnswer;
      if (http.statusCode !== 200) return result;
      answer = await gather(http.body, client, room);
      http.body = NOTHING;
      return result;
    },
    { step: 'deserialize', priority: 'low' }, // nearer to the wire than the deserialiser, which finds an empty answer
  );
  const output = await client.send(command as QueryCommand);
  // A client that answers by itself, such as a mock, gives no bytes.
  return answer ?? Buffer.from(JSON.stringify(output));
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

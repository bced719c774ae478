import { Readable } from 'node:stream';
import type {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { type HttpAnswer, plainCall } from './repeated-requests.ts';

/** Where an answer's bytes are gathered; given again, the same memory takes the next answer. */
export interface Room {
  bytes: Buffer;
}

export const newRoom = (): Room => ({ bytes: NO_BYTES });

const NOTHING = new Uint8Array();
const NO_BYTES = Buffer.alloc(0);

/** Of an input that is on its way, where its answer goes. */
interface Slot {
  readonly client: DynamoDBClient;
  readonly room: Room;
  answer?: Buffer;
}

const slots = new WeakMap<object, Slot>();
const prepared = new WeakSet<object>();

/**
 * Makes a client ready for `readItems`, which does so itself: only one that keeps its middleware (`leanClient`) is told before its
 * first call. Its other commands are left alone.
 */
export function prepareToRead(client: DynamoDBClient): void {
  if (prepared.has(client)) return;
  prepared.add(client);
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const slot = slots.get(args.input);
      const http = result.response as HttpAnswer;
      if (slot === undefined || http.statusCode !== 200) return result;
      slot.answer = await gather(http.body, slot.client, slot.room);
      http.body = NOTHING;
      return result;
    },
    { step: 'deserialize', priority: 'low' }, // nearer to the wire than the deserialiser, which finds an empty answer
  );
}

/**
 * Sends what reads items and gives the answer's bytes, which are in `room`: they stay what they are until it is given again.
 * The SDK's own deserialiser walks each attribute of every item by a schema, which takes 85 % of the CPU of a load (measured);
 * texts and numbers, all that events are made of, need none of it. Commands, signing, retries and errors stay the SDK's.
 */
export async function readItems(
  client: DynamoDBClient,
  command: BatchGetItemCommand | GetItemCommand | QueryCommand | ScanCommand,
  room: Room = newRoom(),
): Promise<Buffer> {
  prepareToRead(client);
  const slot: Slot = { client, room };
  slots.set(command.input, slot);
  const call = plainCall(command.input);
  const output = await client.send(command as QueryCommand); // `send` takes no union
  if (call.answer !== undefined) return await gather(call.answer.body, client, room);
  // A client that answers by itself, such as a mock, gives no bytes.
  return slot.answer ?? Buffer.from(JSON.stringify(output));
}

/** Sends what writes an item of texts and numbers; its answer holds nothing. */
export async function putItem(client: DynamoDBClient, command: PutItemCommand): Promise<void> {
  const call = plainCall(command.input);
  await client.send(command);
  if (call.answer !== undefined) await gather(call.answer.body, client, newRoom());
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

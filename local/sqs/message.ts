import { createHash } from 'node:crypto';
import type { Json } from '../cloud.ts';
import { ServiceError } from '../cloud.ts';
import { sqsErrors } from './errors.ts';

/** A message attribute as the wire has it: one of the two values, the binary one as base64 text. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** What a sender said. */
export interface Content {
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly traceHeader: string | undefined;
}

export const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');

/**
 * "Calculating the MD5 message digest for message attributes" (SQS developer guide): names sorted; each part with its
 * length as four bytes; 1 for text, 2 for binary.
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (names.length === 0) return undefined;
  const parts: Buffer[] = [];
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  };
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name]!;
    add(Buffer.from(name));
    add(Buffer.from(DataType));
    parts.push(Buffer.from([BinaryValue === undefined ? 1 : 2]));
    add(BinaryValue === undefined ? Buffer.from(StringValue ?? '') : Buffer.from(BinaryValue, 'base64'));
  }
  return md5(Buffer.concat(parts));
}

// "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF" (SendMessage).
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** Reads and checks the content of a SendMessage request or batch entry. */
export function readContent(input: Json): Content {
  const body = input.MessageBody;
  if (typeof body !== 'string' || body === '') throw sqsErrors.missing('MessageBody');
  if (FORBIDDEN.test(body)) {
    throw new ServiceError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    );
  }
  const system = input.MessageSystemAttributes ?? {};
  for (const name of Object.keys(system)) {
    if (name !== 'AWSTraceHeader') throw sqsErrors.parameters(`Message system attribute name '${name}' is invalid.`);
  }
  return {
    body,
    attributes: readAttributes(input.MessageAttributes ?? {}),
    traceHeader: system.AWSTraceHeader?.StringValue,
  };
}

function readAttributes(given: Record<string, Json>): MessageAttributes {
  const names = Object.keys(given);
  // "Each message can have up to 10 attributes" (SQS developer guide, message metadata).
  if (names.length > 10) {
    throw sqsErrors.parameters(`Number of message attributes [${names.length}] exceeds the allowed maximum [10].`);
  }
  const attributes: Record<string, MessageAttribute> = {};
  for (const name of names) {
    const { DataType, StringValue, BinaryValue, ...more } = given[name] ?? {};
    if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name) || /^(aws|amazon)\./i.test(name) || /^\.|\.$|\.\./.test(name)) {
      throw sqsErrors.parameters(`The message attribute name '${name}' is invalid.`);
    }
    const kind = String(DataType ?? '').split('.')[0];
    if (kind !== 'String' && kind !== 'Number' && kind !== 'Binary') {
      throw sqsErrors.parameters(
        `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
      );
    }
    const value = kind === 'Binary' ? BinaryValue : StringValue;
    if (typeof value !== 'string' || value === '') {
      throw sqsErrors.parameters(
        `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${kind}'.`,
      );
    }
    if (kind === 'Number' && !Number.isFinite(Number(value))) {
      throw sqsErrors.parameters(`Could not cast message attribute '${name}' value to number.`);
    }
    for (const other of Object.keys(more)) {
      if (more[other] !== undefined && more[other].length !== 0) {
        throw sqsErrors.parameters(`The message attribute '${name}' has ${other}, which is not supported.`);
      }
    }
    attributes[name] = kind === 'Binary' ? { DataType, BinaryValue } : { DataType, StringValue };
  }
  return attributes;
}

/** Bytes that count against the limit: the body and the names, types and values of the attributes. */
export function sizeOf({ body, attributes }: Content): number {
  let size = Buffer.byteLength(body);
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(attributes)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    size += BinaryValue === undefined ? Buffer.byteLength(StringValue ?? '') : Buffer.byteLength(BinaryValue, 'base64');
  }
  return size;
}

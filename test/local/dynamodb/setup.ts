import { expect } from 'vitest';
import { type Cloud, createCloud, type Json, ServiceError } from '../../../local/cloud.ts';
import { createDynamoDb, type DynamoDbOptions, type DynamoDbService } from '../../../local/dynamodb/dynamodb.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';

export interface Setup {
  readonly kernel: VirtualKernel;
  readonly cloud: Cloud;
  readonly db: DynamoDbService;
  call(operation: string, input: Json): Json;
}

export function setup(options: DynamoDbOptions & { readonly seed?: number } = {}): Setup {
  const kernel = virtualKernel({ seed: options.seed ?? 1 });
  const cloud = createCloud(kernel);
  const db = createDynamoDb(cloud, options);
  return { kernel, cloud, db, call: (operation, input) => db.call(operation, input) };
}

/** CreateTable's input: `p` (S) and, unless told otherwise, `r` (N). */
export function tableInput(name: string, more: Json = {}): Json {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 'r', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 'r', AttributeType: 'N' },
    ],
    ...more,
  };
}

export const STREAMED = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } };

export function key(p: string, r: number): Json {
  return { p: { S: p }, r: { N: String(r) } };
}

/** What an operation fails with: its code and message, and the fields beside them. */
export function failure(act: () => unknown): { code: string; message: string; fields: Json } {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { code: error.code, message: error.message, fields: error.fields };
  }
  throw new Error('it did not fail');
}

export function expectInvalid(act: () => unknown, message: string): void {
  expect(failure(act)).toMatchObject({ code: 'ValidationException', message });
}

/** The shape that the wire would carry: without prototypes. */
export function plain(value: Json): Json {
  return JSON.parse(JSON.stringify(value));
}

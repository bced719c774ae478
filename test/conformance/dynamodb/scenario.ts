import type { Json } from '../../../local/cloud.ts';

/** One call of the SDK: the command's name without `Command`, and its input, which may be made of earlier outputs. */
export type Call = readonly [operation: string, input: Json | ((outputs: Outputs) => Json)];

/** What the calls before answered; undefined where they failed. */
export type Outputs = readonly Json[];

/** Calls that are made one after the other against tables of their own; each answer, failures too, is judged. */
export interface Scenario {
  readonly name: string;
  /** The documentation's sentence that the scenario stands for, and the page. */
  readonly says: string;
  /** CreateTable's inputs, made before the calls and deleted after them. */
  readonly tables?: readonly Json[];
  readonly calls: readonly Call[];
}

export const S = (text: string) => ({ S: text });
export const N = (number: string | number) => ({ N: String(number) });
export const B = (base64: string) => ({ B: Buffer.from(base64, 'base64') });
export const L = (...members: Json[]) => ({ L: members });
export const M = (members: Json) => ({ M: members });
export const SS = (...members: string[]) => ({ SS: members });
export const NS = (...members: (string | number)[]) => ({ NS: members.map(String) });
export const BS = (...members: string[]) => ({ BS: members.map((text) => Buffer.from(text, 'base64')) });
export const YES = { BOOL: true };
export const NO = { BOOL: false };
export const NULL = { NULL: true };

const PAY = { BillingMode: 'PAY_PER_REQUEST' };

/** Key attributes as `p: 'S', r: 'N'`; a table's input. */
export function table(TableName: string, hash: string, range?: string, more: Json = {}): Json {
  const { AttributeDefinitions = [], ...rest } = more;
  return {
    TableName,
    ...PAY,
    ...keys(hash, range),
    AttributeDefinitions: [
      ...[hash, range].filter((key) => key !== undefined).map(definition),
      ...AttributeDefinitions,
    ],
    ...rest,
  };
}

export function definition(key: string): Json {
  const [AttributeName, AttributeType] = key.split(':');
  return { AttributeName, AttributeType };
}

export function keys(hash: string, range?: string): Json {
  return {
    KeySchema: [
      { AttributeName: hash.split(':')[0], KeyType: 'HASH' },
      ...(range === undefined ? [] : [{ AttributeName: range.split(':')[0], KeyType: 'RANGE' }]),
    ],
  };
}

export function index(IndexName: string, hash: string, range?: string, Projection: Json = { ProjectionType: 'ALL' }) {
  return { IndexName, ...keys(hash, range), Projection };
}

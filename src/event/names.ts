import { DaybookError } from '../errors.ts';

/** EventBridge: "DetailType … maximum of 128 characters"; the event's type becomes it. */
const MAX_TYPE_BYTES = 128;

/** Written with escapes, so that the source holds none: C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

/** With the flag `u` a pair is one character, so only half a pair matches. */
export const LONE_SURROGATE = /\p{Surrogate}/u;

/** What is wrong with the name of an event or aggregate type, or undefined. */
export function typeNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `it is ${name === null ? 'null' : typeof name}, not text`;
  if (name === '') return 'it is empty';
  if (CONTROL_CHARACTERS.test(name)) return 'it has control characters';
  if (LONE_SURROGATE.test(name)) return 'it has a lone surrogate, which UTF-8 cannot hold';
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_TYPE_BYTES) return `it has ${bytes} bytes, the limit is ${MAX_TYPE_BYTES}`;
  return undefined;
}

export function checkTypeName(what: 'event' | 'aggregate', name: unknown): asserts name is string {
  const problem = typeNameProblem(name);
  if (problem !== undefined) throw new DaybookError('definition.badName', { what, given: name, problem });
}

const PROJECTION_NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** Names of projections, rollups and apps become parts of keys and of CloudFormation names. */
export function checkProjectionName(what: 'projection' | 'rollup' | 'app', name: unknown): asserts name is string {
  if (typeof name !== 'string' || !PROJECTION_NAME.test(name)) {
    const problem = 'allowed are 1–64 lower-case letters, digits and dashes, a letter first';
    throw new DaybookError('definition.badName', { what, given: name, problem });
  }
}

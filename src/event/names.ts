import { DaybookError } from '../errors.ts';

/** EventBridge: "Free-form string, with a maximum of 128 characters", not empty; the event's type becomes the detail-type. */
const MAX_TYPE_BYTES = 128;

/** Written with escapes, so that the source holds none: C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

/** With the flag `u` a pair is one character, so only half a pair matches. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What keeps a value from being text that can name something, or undefined. */
export function textProblem(given: unknown, limit: number): string | undefined {
  if (typeof given !== 'string') return `it is ${given === null ? 'null' : typeof given}, not text`;
  if (given === '') return 'it is empty';
  if (CONTROL_CHARACTERS.test(given)) return 'it has control characters';
  if (LONE_SURROGATE.test(given)) return 'it has a lone surrogate, which UTF-8 cannot hold';
  // A UTF-16 unit has at most three bytes in UTF-8: short text needs no counting.
  const bytes = given.length * 3 > limit ? Buffer.byteLength(given) : 0;
  return bytes > limit ? `it has ${bytes} bytes, the limit is ${limit}` : undefined;
}

/** What is wrong with the name of an event or aggregate type, or undefined. */
export function typeNameProblem(name: unknown): string | undefined {
  return textProblem(name, MAX_TYPE_BYTES);
}

/** Can an event that is stored have this type? Its length is what a bus bounds. */
export function isStoredType(type: string): boolean {
  return type !== '' && type.length <= MAX_TYPE_BYTES;
}

export function checkTypeName(what: 'event' | 'aggregate', name: unknown): asserts name is string {
  const problem = typeNameProblem(name);
  if (problem !== undefined) throw new DaybookError('definition.badName', { what, given: name, problem });
}

const PROJECTION_NAME = /^[a-z][a-z0-9-]{0,63}$/;

export function isProjectionName(name: unknown): name is string {
  return typeof name === 'string' && PROJECTION_NAME.test(name);
}

/** Names of projections, rollups and apps become parts of keys and of CloudFormation names. */
export function checkProjectionName(what: 'projection' | 'rollup' | 'app', name: unknown): asserts name is string {
  if (!isProjectionName(name)) {
    const problem = 'allowed are 1–64 lower-case letters, digits and dashes, a letter first';
    throw new DaybookError('definition.badName', { what, given: name, problem });
  }
}

import { createHash } from 'node:crypto';
import type { Json } from '../../cloud.ts';
import { type Kernel, seededRandom } from '../../kernel/kernel.ts';

/** A function bound into every expression: its JSONata signature, and what it does. */
export interface Builtin {
  readonly name: string;
  readonly signature: string;
  readonly run: (...args: Json[]) => Json;
}

/** JSONata prints an error as `code: message`; the interpreter adds the expression and the field. */
export class ExpressionError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

// Measured on the real service: `$range(1, 360145, 1)` is accepted, one element more is not.
const RANGE_LIMIT = 360_145;
const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/**
 * "Step Functions provides additional JSONata functions": $partition, $range, $hash, $random, $uuid, $parse; and the
 * functions of JSONata that read a clock or a chance, bound to the kernel.
 */
export function builtins(kernel: Kernel): readonly Builtin[] {
  return [
    { name: 'partition', signature: '<an:a>', run: partition },
    { name: 'range', signature: '<nnn?:a>', run: range },
    { name: 'hash', signature: '<ss?:s>', run: hash },
    // "optional integer argument representing the seed value of the random function. If you use this function with the
    // same seed value, it returns an identical number."
    {
      name: 'random',
      signature: '<n?:n>',
      run: (seed: number | undefined) => (seed === undefined ? kernel.random.next() : seededRandom(seed).next()),
    },
    { name: 'uuid', signature: '<:s>', run: () => kernel.random.uuid() },
    { name: 'parse', signature: '<s:x>', run: parse },
    { name: 'millis', signature: '<:n>', run: () => kernel.clock.now() },
    { name: 'shuffle', signature: '<a:a>', run: (items: Json) => shuffle(items, kernel) },
  ];
}

function partition(items: Json, size: number | undefined): Json {
  if (items === undefined || size === undefined) return undefined;
  // A size that is not whole is rounded towards zero; zero, and an empty array, give nothing.
  const step = Math.trunc(size);
  if (step === 0 || items.length === 0) return undefined;
  if (step < 0) throw new ExpressionError('D3000', 'The second argument of function "partition" must be positive');
  const chunks: Json[] = [];
  for (let i = 0; i < items.length; i += step) chunks.push(items.slice(i, i + step));
  return chunks;
}

function range(first: number | undefined, last: number | undefined, by: number | undefined): Json {
  if (first === undefined || last === undefined || by === undefined) return undefined;
  const [start, end, step] = [Math.trunc(first), Math.trunc(last), Math.trunc(by)];
  if (step === 0 || (step > 0 && start > end) || (step < 0 && start < end)) return undefined;
  const count = Math.floor((end - start) / step) + 1;
  if (count > RANGE_LIMIT) throw new ExpressionError('U1001', 'Expression evaluation memory limit exceeded');
  if (count === 1) return start;
  return Array.from({ length: count }, (_, i) => start + i * step);
}

function hash(text: string | undefined, algorithm: string | undefined): Json {
  if (text === undefined || algorithm === undefined) return undefined;
  const name = HASHES[algorithm];
  if (name === undefined) {
    throw new ExpressionError(
      'D3000',
      `The hash algorithm "${algorithm}" is none of ${Object.keys(HASHES).join(', ')}`,
    );
  }
  return createHash(name).update(text, 'utf8').digest('hex');
}

function parse(text: string | undefined): Json {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ExpressionError('D3000', 'The argument of function "parse" is not valid JSON');
  }
}

function shuffle(items: Json, kernel: Kernel): Json {
  if (items === undefined) return undefined;
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(kernel.random.next() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}

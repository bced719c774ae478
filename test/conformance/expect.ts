import type { Json } from '../../local/cloud.ts';

/** Throws what was wanted and what came, for a verdict to tell. */
export function same(got: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`wanted ${b}\ngot    ${a}`);
}

/** The name that a call fails with; undefined when it does not fail. */
export async function errorOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Asks until there is something to see: what a service does by itself takes its time, on an account minutes. */
export async function eventually<T>(ask: () => Promise<T | undefined>, withinMs = 180_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, 1000)) {
    const found = await ask();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`nothing came within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

let made = 0;

export function uniqueName(): string {
  return `conformance-${process.pid}-${Date.now().toString(36)}-${++made}`;
}

/** The error that a call fails with; it must fail. */
export async function failureOf(call: Promise<unknown>): Promise<Json> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted, which should be refused');
}

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

let made = 0;

export function uniqueName(): string {
  return `conformance-${process.pid}-${Date.now().toString(36)}-${++made}`;
}

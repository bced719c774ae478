/** W3C Trace Context, version 00: `00-<trace id>-<parent id>-<flags>`; ids of zeros only are none. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function isTraceparent(text: unknown): text is string {
  return typeof text === 'string' && TRACEPARENT.test(text);
}

/** The trace context in an event's metadata, where there is a valid one. */
export function traceparentIn(metadata: unknown): string | undefined {
  const found = (metadata as { traceparent?: unknown } | null | undefined)?.traceparent;
  return isTraceparent(found) ? found : undefined;
}

/** Are two metadata texts the same but for the trace context that each was appended in? */
export function sameButTraceparent(a: string | undefined, b: string | undefined): boolean {
  return a === b || withoutTraceparent(a) === withoutTraceparent(b);
}

function withoutTraceparent(metadata: string | undefined): string {
  const { traceparent: _, ...rest } = JSON.parse(metadata ?? '{}') as Record<string, unknown>;
  return JSON.stringify(rest);
}

/** X-Ray's header: `Root=1-<8 digits>-<24 digits>;Parent=<16 digits>;Sampled=1`, its fields in any order. */
const FIELD = /(Root|Parent|Sampled)=([^;]*)/g;

/**
 * The trace context of the invocation that is under way, as W3C's `traceparent`: Lambda says it in `_X_AMZN_TRACE_ID`. X-Ray's
 * trace id holds the same 32 digits.
 *
 * @example
 * const store = createEventStore({ table, trace: lambdaTrace });
 */
export function lambdaTrace(): string | undefined {
  const fields = new Map<string, string>();
  for (const [, name = '', value = ''] of (process.env._X_AMZN_TRACE_ID ?? '').matchAll(FIELD)) fields.set(name, value);
  const trace = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(fields.get('Root') ?? '');
  const flags = fields.get('Sampled') === '1' ? '01' : '00';
  const text = `00-${trace?.[1]}${trace?.[2]}-${fields.get('Parent')}-${flags}`;
  return isTraceparent(text) ? text : undefined;
}

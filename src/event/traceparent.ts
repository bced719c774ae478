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

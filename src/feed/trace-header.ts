/** W3C Trace Context: `version-traceid-parentid-flags`; of version 00 these are all of its parts. */
const TRACEPARENT = /"traceparent"\s*:\s*"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})"/;

/**
 * The X-Ray trace header for a bus, from the `traceparent` in an event's metadata; undefined where there is none. X-Ray's trace id
 * is the same 32 digits, divided. The metadata is not parsed, only looked through.
 */
export function traceHeaderOf(metadata: string | undefined): string | undefined {
  if (metadata === undefined || !metadata.includes('"traceparent"')) return undefined;
  const [, trace = '', parent = '', flags = ''] = TRACEPARENT.exec(metadata) ?? [];
  // "All bytes as zero … is considered an invalid value" (W3C Trace Context).
  if (!/[1-9a-f]/.test(trace) || !/[1-9a-f]/.test(parent)) return undefined;
  const sampled = Number.parseInt(flags, 16) & 1;
  return `Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Parent=${parent};Sampled=${sampled}`;
}

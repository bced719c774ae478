import type { Envelope } from '../feed/envelope.ts';

export interface EncodedEnvelope {
  readonly envelope: Envelope;
  readonly data: Buffer;
}

/** The envelopes as JSON, divided into calls of at most so many records and bytes, partition keys counted. */
export function* inCalls(
  envelopes: readonly Envelope[],
  limit: { readonly records: number; readonly bytes: number },
): Generator<readonly EncodedEnvelope[]> {
  let call: EncodedEnvelope[] = [];
  let bytes = 0;
  for (const envelope of envelopes) {
    const data = Buffer.from(JSON.stringify(envelope));
    const size = data.length + Buffer.byteLength(envelope.aggregate);
    if (call.length > 0 && (call.length === limit.records || bytes + size > limit.bytes)) {
      yield call;
      call = [];
      bytes = 0;
    }
    call.push({ envelope, data });
    bytes += size;
  }
  if (call.length > 0) yield call;
}

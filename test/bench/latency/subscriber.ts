interface Delivered {
  readonly detail: { readonly aggregateUuid: string; readonly version: number };
}

/** Says when it was called, and with what: a bus event, or messages that hold some. */
export async function handler(event: Delivered | { readonly Records: readonly { readonly body: string }[] }) {
  const at = performance.timeOrigin + performance.now();
  const events = 'Records' in event ? event.Records.map(({ body }) => JSON.parse(body) as Delivered) : [event];
  const keys = events.map(({ detail }) => `${detail.aggregateUuid}:${detail.version}`);
  console.log(JSON.stringify({ at, keys }));
}

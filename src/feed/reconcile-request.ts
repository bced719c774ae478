/** What woke the reconciler: a message in the pipe's dead-letter queue says that a batch was given up, anything else is a schedule. */
export interface ReconcileRequest {
  /** The dead letters, which are done when a round that began after them is complete. */
  readonly letters: readonly { readonly itemIdentifier: string }[];
  /** When the youngest of them was sent; milliseconds since the epoch. */
  readonly since?: number;
  /** How many aggregates a run on a schedule looks at. */
  readonly most?: number;
}

/**
 * Reads the event that the reconciler was invoked with. A dead letter of a pipe holds positions in the table stream, no
 * events, so it names no aggregate: it asks for a whole round.
 */
export function readReconcileRequest(event: unknown): ReconcileRequest {
  const { Records: records, most } = (event ?? {}) as { Records?: unknown; most?: unknown };
  if (!Array.isArray(records)) return { letters: [], ...(typeof most === 'number' && { most }) };
  let since: number | undefined;
  const letters = records.flatMap(
    (record: { messageId?: unknown; attributes?: { SentTimestamp?: unknown } } | null) => {
      if (typeof record?.messageId !== 'string') return [];
      const sent = Number(record.attributes?.SentTimestamp);
      if (Number.isFinite(sent)) since = Math.max(since ?? 0, sent);
      return [{ itemIdentifier: record.messageId }];
    },
  );
  return { letters, ...(since !== undefined && { since }) };
}

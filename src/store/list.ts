import { checkAggregateType, checkLimit, checkOptions } from './check-input.ts';
import type { StoreContext } from './context.ts';

export interface ListOptions {
  /** Only aggregates of this type; default all. */
  readonly type?: string;
  /** Exactly how many at the most; default all. */
  readonly limit?: number;
}

/** The ids of aggregates, each once, in no promised order; a page at a time, so that memory stays flat. */
export function list(context: StoreContext, options: ListOptions): AsyncIterable<string> {
  checkOptions('list', options, ['type', 'limit']);
  const { type, limit } = options;
  if (type !== undefined) checkAggregateType(type);
  if (limit !== undefined) checkLimit(limit);
  // Each loop over it begins anew.
  return { [Symbol.asyncIterator]: () => pages(context, type, limit ?? Number.POSITIVE_INFINITY) };
}

async function* pages(
  context: StoreContext,
  type: string | undefined,
  limit: number,
): AsyncGenerator<string, void, undefined> {
  let left = limit;
  let after: string | undefined;
  do {
    const page = await context.table.aggregates({
      ...(type !== undefined && { type }),
      ...(after !== undefined && { after }),
      ...(left !== Number.POSITIVE_INFINITY && { limit: left }),
    });
    for (const aggregateUuid of page.aggregateUuids) {
      yield aggregateUuid;
      left--;
      if (left === 0) return;
    }
    after = page.next;
  } while (after !== undefined);
}

import type { EventItem } from './event-item.ts';

/** What an answer of DynamoDB holds that a query for events needs. */
export interface Answer {
  readonly Items?: readonly EventItem[];
  readonly LastEvaluatedKey?: EventItem;
}

const PART = 64 * 1024;
const ITEMS = '"Items":[';
/** Inside of a text each quote has a backslash before it. */
const BETWEEN = '},{"';

/**
 * A page's items, parsed a part at a time, so that what one part is made into can go before the next: a page of 1 MB would
 * be five times that. A cut in the wrong place leaves a text or a bracket open, which is no JSON: then the rest is parsed as
 * one. What stands beside the items comes with the last part.
 */
export function* answerParts(bytes: Buffer): Generator<Answer, void, undefined> {
  const start = bytes.indexOf(ITEMS) + ITEMS.length;
  let from = start;
  while (start >= ITEMS.length && bytes.length - from > PART) {
    const cut = bytes.indexOf(BETWEEN, from + PART);
    const items = cut < 0 ? undefined : parsedItems(bytes.toString('utf8', from, cut + 1));
    if (items === undefined) break;
    yield { Items: items };
    from = cut + 2;
  }
  yield JSON.parse(from === start ? bytes.toString() : bytes.toString('utf8', 0, start) + bytes.toString('utf8', from));
}

function parsedItems(text: string): EventItem[] | undefined {
  try {
    return JSON.parse(`[${text}]`);
  } catch {
    return undefined;
  }
}

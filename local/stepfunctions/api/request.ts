import { type Json, ServiceError } from '../../cloud.ts';

/** Refuses parameters that the operation does not have here, and asks for those that it cannot do without. */
export function checkParameters(input: Json, required: readonly string[], optional: readonly string[] = []): void {
  for (const name of Object.keys(input)) {
    if (!required.includes(name) && !optional.includes(name)) {
      throw new ServiceError('ValidationException', `The parameter '${name}' is not supported`);
    }
  }
  const missing = required.filter((name) => input[name] === undefined || input[name] === null);
  if (missing.length === 0) return;
  const each = missing.map((name) => `Value null at '${name}' failed to satisfy constraint: Member must not be null`);
  const count = missing.length === 1 ? '1 validation error' : `${missing.length} validation errors`;
  throw new ServiceError('ValidationException', `${count} detected: ${each.join('; ')}`);
}

/** A page of a list: "maxResults … The default is 100 and the maximum allowed page size is 1000." */
export function page<T>(
  all: readonly T[],
  { maxResults = 0, nextToken }: Json,
): { readonly items: readonly T[]; readonly nextToken?: string } {
  if (!Number.isInteger(maxResults) || maxResults < 0 || maxResults > 1000) {
    throw new ServiceError(
      'ValidationException',
      "Value at 'maxResults' failed to satisfy constraint: Member must be between 0 and 1000",
    );
  }
  const from = nextToken === undefined ? 0 : fromToken(nextToken);
  const to = from + (maxResults === 0 ? 100 : maxResults);
  const items = all.slice(from, to);
  return to < all.length ? { items, nextToken: toToken(to) } : { items };
}

function toToken(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString('base64');
}

function fromToken(token: string): number {
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    if (Number.isInteger(offset) && offset >= 0) return offset;
  } catch {
    // Not a token of ours: refused below.
  }
  throw new ServiceError('InvalidToken', `Invalid Token: '${token}'`);
}

/** Epoch seconds, as the JSON protocols carry times. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}

/** Without the members that have no value. */
export function compact(answer: Record<string, Json>): Json {
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined));
}

import type { Json } from '../cloud.ts';

/** One page of a list, by NextToken and MaxResults. */
export function pageOf<T>(all: readonly T[], input: Json, most: number): { readonly items: T[]; readonly token: Json } {
  const from = input.NextToken === undefined ? 0 : Number(Buffer.from(String(input.NextToken), 'base64').toString());
  const to = from + Math.min(Number(input.MaxResults ?? most), most);
  return {
    items: all.slice(from, to),
    token: to < all.length ? { NextToken: Buffer.from(String(to)).toString('base64') } : {},
  };
}

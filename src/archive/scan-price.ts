/** USD per TB scanned, us-east-1; "a 10 MB minimum per query", "rounded up to the nearest megabyte". https://aws.amazon.com/athena/pricing/ */
export const DOLLARS_PER_TB = 5;

const MB = 2 ** 20;

/** What a query costs at the list price. Failed queries and those that define or list tables are free. */
export function scanPrice(bytes: number): number {
  const megabytes = Math.max(10, Math.ceil(bytes / MB));
  return (megabytes / MB) * DOLLARS_PER_TB;
}

// List prices of us-east-1 in US dollars, on demand (November 2026; check them): https://aws.amazon.com/pricing/

/** A million read request units of a table (since November 2024). */
export const DOLLARS_PER_MILLION_READS = 0.125;
/** A million write request units. */
export const DOLLARS_PER_MILLION_WRITES = 0.625;
export const READ_UNIT = DOLLARS_PER_MILLION_READS / 1_000_000;
export const WRITE_UNIT = DOLLARS_PER_MILLION_WRITES / 1_000_000;
/** A second of one GB of a Lambda function on arm64. */
export const GB_SECOND = 0.0000133334;
/** A GET of S3. */
export const GET = 0.4 / 1_000_000;
/** A PUT or LIST of S3. */
export const PUT = 5 / 1_000_000;
/** A state transition of a standard workflow. */
export const TRANSITION = 25 / 1_000_000;

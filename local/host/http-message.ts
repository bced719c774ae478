import type { IncomingHttpHeaders } from 'node:http';

/** A request, its body whole. */
export interface Request {
  readonly method: string;
  /** As it came, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Tells the terminal of an error that is the runtime's own. */
  defect(error: unknown): void;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

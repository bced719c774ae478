import '../errors.ts';
import { DaybookError } from '../../errors.ts';

/** What a redrive is asked for with: a direct invocation of the consumer's own function. */
export interface RedriveRequest {
  readonly daybook: 'redrive';
  /** The consumer that is meant: another one's function refuses it. Default: whoever is asked. */
  readonly consumer?: string;
  readonly aggregates: readonly string[];
  /** Gives up exactly this version of the one aggregate, which must be the one that it is parked at. */
  readonly skip?: number;
}

export type RedriveOutcome =
  /** Not parked any more: everything up to `position` is done. */
  | { readonly aggregate: string; readonly outcome: 'wentOn'; readonly position: number }
  /** Parked again, at `version`. */
  | { readonly aggregate: string; readonly outcome: 'parked'; readonly version: number; readonly code: string }
  | { readonly aggregate: string; readonly outcome: 'notParked'; readonly position: number }
  /** Still parked, `position` is how far it came: ask again. */
  | { readonly aggregate: string; readonly outcome: 'outOfTime'; readonly position: number }
  /** Still parked; what failed was no event. */
  | { readonly aggregate: string; readonly outcome: 'failed'; readonly code: string };

export interface RedriveAnswer {
  readonly daybook: 'redriven';
  readonly consumer: string;
  readonly outcomes: readonly RedriveOutcome[];
}

/** An answer lists each one, and Lambda takes 6 MB. */
export const MOST_AGGREGATES = 100;

const FIELDS = new Set(['daybook', 'consumer', 'aggregates', 'skip']);

export function isRedriveRequest(event: unknown): boolean {
  return (event as { daybook?: unknown } | null | undefined)?.daybook !== undefined;
}

/** Refuses with `feed.redriveInvalid` what is no request for this consumer. */
export function readRedriveRequest(event: unknown, consumer: string): RedriveRequest {
  const request = event as Record<keyof RedriveRequest, unknown>;
  const problem = problemOf(request, consumer);
  if (problem !== undefined) throw new DaybookError('feed.redriveInvalid', { consumer, problem });
  return request as unknown as RedriveRequest;
}

function problemOf(request: Record<keyof RedriveRequest, unknown>, consumer: string): string | undefined {
  const { daybook, consumer: meant, aggregates, skip } = request;
  if (daybook !== 'redrive') return `daybook is ${JSON.stringify(daybook)}, there is "redrive"`;
  if (meant !== undefined && meant !== consumer) return `it is for the consumer ${JSON.stringify(meant)}`;
  if (!Array.isArray(aggregates) || aggregates.length === 0 || aggregates.length > MOST_AGGREGATES)
    return `aggregates is no list of 1 to ${MOST_AGGREGATES}`;
  if (aggregates.some((id) => typeof id !== 'string' || id === '')) return 'an aggregate is no text';
  if (new Set(aggregates).size < aggregates.length) return 'it names an aggregate twice';
  if (skip !== undefined) {
    if (!Number.isSafeInteger(skip) || (skip as number) < 1) return 'skip is no version';
    if (aggregates.length > 1) return 'a version is skipped of one aggregate only';
  }
  const stray = Object.keys(request).find((field) => !FIELDS.has(field));
  return stray === undefined ? undefined : `it has a field ${stray}`;
}

import { ServiceError } from '../cloud.ts';

export const invalidRequest = (message: string) =>
  new ServiceError('InvalidRequestException', message, { fields: { AthenaErrorCode: 'INVALID_INPUT' } });

/** Why a query failed, as `StateChangeReason` says it; `cancelled` when it was stopped by a limit. */
export class QueryFailure extends Error {
  readonly cancelled: boolean;

  constructor(reason: string, cancelled = false) {
    super(reason);
    this.cancelled = cancelled;
  }
}

/** What the embedded Athena does not have is refused by name. */
export const unsupported = (what: string) =>
  new QueryFailure(`NOT_SUPPORTED: ${what} is not supported by the embedded Athena`);

import { ServiceError } from '../cloud.ts';

export const invalidArgument = (message: string) => new ServiceError('InvalidArgumentException', message);

/** What the embedded Firehose does not have is refused by name. */
export const unsupported = (what: string) => invalidArgument(`${what} is not supported by the embedded Firehose`);

export const notFound = (name: string, accountId: string) =>
  new ServiceError('ResourceNotFoundException', `Firehose ${name} under account ${accountId} not found.`);

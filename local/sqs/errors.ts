import { ServiceError } from '../cloud.ts';

/** SQS's errors with the texts that the service sends. */
export const sqsErrors = {
  noQueue: () => new ServiceError('QueueDoesNotExist', 'The specified queue does not exist.'),
  missing: (parameter: string) =>
    new ServiceError('MissingParameter', `The request must contain the parameter ${parameter}.`),
  invalid: (value: unknown, parameter: string, reason: string) =>
    new ServiceError(
      'InvalidParameterValue',
      `Value ${value} for parameter ${parameter} is invalid. Reason: ${reason}`,
    ),
  parameters: (reason: string) =>
    new ServiceError('InvalidParameterValue', `One or more parameters are invalid. Reason: ${reason}`),
  badHandle: (handle: unknown) =>
    new ServiceError('ReceiptHandleIsInvalid', `The input receipt handle "${handle}" is not a valid receipt handle.`),
} as const;

import { type Json, ServiceError } from '../cloud.ts';

/** A ValidationException with AWS's text. */
export function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

/** The form that AWS gives to most texts about values. */
export function invalidValue(message: string): ServiceError {
  return invalid(`One or more parameter values were invalid: ${message}`);
}

/** What cannot be read as the type that the operation has there. */
export function unreadable(message: string): ServiceError {
  return new ServiceError('SerializationException', message);
}

export function notFound(message = 'Requested resource not found'): ServiceError {
  return new ServiceError('ResourceNotFoundException', message);
}

export function inUse(message: string): ServiceError {
  return new ServiceError('ResourceInUseException', message);
}

export function conditionFailed(item?: Json): ServiceError {
  return new ServiceError('ConditionalCheckFailedException', 'The conditional request failed', {
    fields: item === undefined ? {} : { Item: item },
  });
}

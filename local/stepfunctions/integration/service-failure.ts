import { type Cloud, ServiceError } from '../../cloud.ts';
import { StateFailure } from '../failure.ts';

/** How an integration names the errors of its service. */
export interface ErrorNaming {
  /** Before the dot: `DynamoDB`. */
  readonly prefix: string;
  /** The exception for every error that the service's model does not name: `AmazonDynamoDBException`. */
  readonly fallback: string;
  /** The errors of the service's model. */
  readonly modelled: ReadonlySet<string>;
  /** In a cause: `Service: AmazonDynamoDBv2`. */
  readonly service: string;
  /** The SDK for Java that the integration speaks through: its version decides the text of a cause. */
  readonly sdk: 1 | 2;
}

/** The failure that an error of a called service is for the state. */
export function serviceFailure(error: unknown, naming: ErrorNaming, cloud: Cloud): StateFailure {
  if (error instanceof StateFailure) return error;
  if (!(error instanceof ServiceError)) {
    return new StateFailure(`${naming.prefix}.SdkClientException`, String((error as Error).message ?? error), {
      origin: 'task',
    });
  }
  const code = error.code.replace(/^.*#/, '');
  // "States.Permissions: A Task state failed because it had insufficient privileges to run the specified code."
  const denied = code === 'AccessDeniedException' || code === 'AccessDenied';
  const name = denied ? 'States.Permissions' : `${naming.prefix}.${exceptionName(code, naming)}`;
  return new StateFailure(name, describe(error, code, naming, cloud.kernel.random.uuid()), { origin: 'task' });
}

/** "the exception name … ends in Exception": the SDK's class, or the service's base class for what has none. */
function exceptionName(code: string, { modelled, fallback }: ErrorNaming): string {
  if (!modelled.has(code) && !modelled.has(`${code}Exception`)) return fallback;
  return code.endsWith('Exception') ? code : `${code}Exception`;
}

function describe({ message, status }: ServiceError, code: string, { sdk, service }: ErrorNaming, id: string): string {
  return sdk === 1
    ? `${message} (Service: ${service}; Status Code: ${status}; Error Code: ${code}; Request ID: ${id}; Proxy: null)`
    : `${message} (Service: ${service}, Status Code: ${status}, Request ID: ${id})`;
}

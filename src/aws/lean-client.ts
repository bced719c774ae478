import { repeatRequests } from './repeated-requests.ts';

type MakeSigner = (scheme?: { readonly signingName?: string; readonly signingRegion?: string }) => Promise<unknown>;

/** What any client of the SDK is. */
interface SdkClient {
  readonly middlewareStack: { remove(name: string): boolean };
  readonly config?: object;
}

/**
 * Spares a client what nobody needs for each of its calls: log lines, for which the SDK walks each input and each answer whether there
 * is a logger or not; the building of its middleware, which is kept by kind of command (`cacheMiddleware`: whoever adds to a client's
 * or a command's middleware does so before the first call); and a signer of its own. Together that is half of a call's CPU (measured).
 * Plain calls are repeated as the first of their kind was made (`repeatRequests`), which is most of the other half.
 * Not for S3, whose middleware keeps things of one call.
 *
 * @example
 * const client = leanClient(new DynamoDBClient());
 */
export function leanClient<C extends SdkClient>(client: C): C {
  client.middlewareStack.remove('loggerMiddleware');
  const config = client.config as { cacheMiddleware?: boolean; signer?: MakeSigner } | undefined;
  if (config === undefined) return client;
  config.cacheMiddleware = true;
  if (config.signer !== undefined) config.signer = keptSigner(config.signer);
  repeatRequests(client);
  return client;
}

/** It asks for credentials each time that it signs, so one for each region will do. */
function keptSigner(make: MakeSigner): MakeSigner {
  const signers = new Map<string, Promise<unknown>>();
  return (scheme) => {
    const name = `${scheme?.signingName}/${scheme?.signingRegion}`;
    const signer = signers.get(name) ?? make(scheme);
    signers.set(name, signer);
    signer.catch(() => signers.delete(name));
    return signer;
  };
}

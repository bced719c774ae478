import type { Cloud, Service } from '../cloud.ts';
import { createLambda, type Lambda, type LambdaOptions } from '../lambda/lambda.ts';
import type { ResourceProvider } from '../resource.ts';
import { createS3, type S3 } from '../s3/s3.ts';

export interface Services {
  readonly lambda: Lambda;
  readonly s3: S3;
}

export interface ServicesOptions {
  /** Where S3 keeps its files. */
  readonly dir: string;
  readonly lambda: LambdaOptions;
}

/** Every service of the runtime, registered with the cloud, and the resource types that they bring. */
export function createServices(
  cloud: Cloud,
  options: ServicesOptions,
): { services: Services; resources: ResourceProvider[] } {
  const services: Services = {
    lambda: createLambda(cloud, options.lambda),
    s3: createS3(cloud, { dir: options.dir }),
  };
  for (const service of Object.values(services) as Service[]) cloud.register(service);
  return { services, resources: [] };
}

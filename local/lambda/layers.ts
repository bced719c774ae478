import { type Account, type Json, ServiceError } from '../cloud.ts';

export interface LayerRegistry {
  /** Publishes a layer's next version from a folder laid out as `/opt`; gives its ARN. */
  publish(input: Json, createdAt: number): Json;
  /** The folder of a layer version; fails when it was never published. */
  folderOf(layerVersionArn: string): string;
  get(layerName: string, version: number): Json;
  list(): Json;
  remove(layerName: string, version: number): void;
  addPermission(layerName: string, version: number, statement: Json): void;
}

interface LayerVersion {
  readonly folder: string;
  readonly shown: Json;
  readonly permissions: Map<string, Json>;
}

export function createLayerRegistry(account: Account): LayerRegistry {
  const layers = new Map<string, Map<number, LayerVersion>>();
  const arnOf = (name: string) => `arn:aws:lambda:${account.region}:${account.accountId}:layer:${name}`;
  const find = (name: string, version: number): LayerVersion => {
    const found = layers.get(name.split(':').pop()!)?.get(version);
    if (found !== undefined) return found;
    throw new ServiceError('ResourceNotFoundException', `The resource you requested does not exist.`, { status: 404 });
  };
  return {
    publish(input, createdAt) {
      const name: string = input.LayerName;
      if (typeof input.Content?.LocalFolder !== 'string') {
        throw new ServiceError(
          'InvalidParameterValueException',
          'PublishLayerVersion: Content.ZipFile and Content.S3Bucket are not supported here: layers come from the synthesized template',
        );
      }
      const versions = layers.get(name) ?? new Map<number, LayerVersion>();
      layers.set(name, versions);
      const version = Math.max(0, ...versions.keys()) + 1;
      const shown = {
        LayerArn: arnOf(name),
        LayerVersionArn: `${arnOf(name)}:${version}`,
        Version: version,
        Description: input.Description ?? '',
        CreatedDate: new Date(createdAt).toISOString().replace('Z', '+0000'),
        ...(input.CompatibleRuntimes !== undefined && { CompatibleRuntimes: input.CompatibleRuntimes }),
        ...(input.CompatibleArchitectures !== undefined && { CompatibleArchitectures: input.CompatibleArchitectures }),
        ...(input.LicenseInfo !== undefined && { LicenseInfo: input.LicenseInfo }),
      };
      versions.set(version, { folder: input.Content.LocalFolder, shown, permissions: new Map() });
      return shown;
    },
    folderOf(arn) {
      const match = /:layer:([^:]+):(\d+)$/.exec(arn);
      const layer = match === null ? undefined : layers.get(match[1]!)?.get(Number(match[2]));
      if (layer !== undefined) return layer.folder;
      throw new ServiceError('InvalidParameterValueException', `Layer version ${arn} does not exist.`);
    },
    get: (name, version) => find(name, version).shown,
    list: () => ({
      Layers: [...layers].flatMap(([name, versions]) => {
        const latest = [...versions.values()].pop();
        return latest === undefined
          ? []
          : [{ LayerName: name, LayerArn: arnOf(name), LatestMatchingVersion: latest.shown }];
      }),
    }),
    remove: (name, version) => void layers.get(name)?.delete(version),
    addPermission(name, version, statement) {
      find(name, version).permissions.set(statement.StatementId, statement);
    },
  };
}

import type { Caller, Cloud, Json } from './cloud.ts';

/** What a template's resource became here. */
export interface Created {
  /** What `Ref` gives. */
  readonly ref: string;
  /** What `Fn::GetAtt` gives, by attribute. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResourceContext {
  readonly cloud: Cloud;
  readonly stackName: string;
  readonly logicalId: string;
  /** The name that CloudFormation would generate: stack, logical id and a random part; the same on each start with the same data. */
  readonly generatedName: string;
  /** The folder or file that an asset (its S3 key's hash) was synthesized to. */
  assetPath(bucket: string, key: string): string;
  readonly caller: Caller;
}

/**
 * One CloudFormation resource type. `properties` names every property that the runtime honours; `without` those that it
 * takes without an effect here, each with the reason. Any other property is refused by name, never ignored.
 */
export interface ResourceProvider {
  readonly type: string;
  readonly properties: readonly string[];
  readonly without?: Readonly<Record<string, string>>;
  create(properties: Json, context: ResourceContext): Promise<Created> | Created;
}

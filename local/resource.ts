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
  /** What the resource became at an earlier start on the same data, when its properties were the same. */
  readonly unchanged?: Created | undefined;
}

/**
 * One CloudFormation resource type. `properties` names every property that the runtime honours; `without` those that it
 * takes without an effect here, each with the reason. Any other property is refused by name, never ignored.
 */
export interface ResourceProvider {
  readonly type: string;
  readonly properties: readonly string[];
  readonly without?: Readonly<Record<string, string>>;
  /** Properties of which the reference says "Update requires: Replacement", the name's first. */
  readonly replacedBy?: readonly string[];
  /** Makes it, or on kept data brings the one that is there to what the template says now. */
  create(properties: Json, context: ResourceContext): Promise<Created> | Created;
  /** Ends what would go on by itself when the template has it no more. What holds data is never removed: it is only said. */
  remove?(created: Created, context: Pick<ResourceContext, 'cloud' | 'caller'>): Promise<void>;
}

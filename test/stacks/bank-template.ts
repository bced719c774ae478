import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { BankStack } from '../../examples/bank/stack.ts';

/** The template's JSON, as far as these tests look into it. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties differ by type
  readonly Properties: Record<string, any>;
  readonly Metadata?: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

let made: { stack: Stack; template: Template; resources: Record<string, Resource> } | undefined;

/** The bank's stack, synthesized once. Assets that take a download are left unbundled, as in the embedded runtime. */
export function bank() {
  if (made === undefined) {
    const app = new App({
      context: {
        'daybook:local': true,
        '@aws-cdk/core:validateAgainstDefaultRules': false,
        'aws:cdk:enable-path-metadata': true,
      },
    });
    const stack = new BankStack(app, 'Bank');
    const template = Template.fromStack(stack);
    made = { stack, template, resources: template.toJSON().Resources };
  }
  return made;
}

export function resourcesOf(type: string): [logicalId: string, resource: Resource][] {
  return Object.entries(bank().resources).filter(([, resource]) => resource.Type === type);
}

import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { Daybook, type FeedOptions } from '../../stacks/constructs/index.ts';

function rolesOf(feed: FeedOptions) {
  const app = new App({ context: { 'daybook:local': true, 'aws:cdk:enable-path-metadata': true } });
  const stack = new Stack(app, 'Stack');
  new Daybook(stack, 'Daybook', { feed });
  const resources = Object.values(Template.fromStack(stack).toJSON().Resources) as {
    readonly Type: string;
    // biome-ignore lint/suspicious/noExplicitAny: properties differ by type
    readonly Properties: any;
    readonly Metadata?: { readonly 'aws:cdk:path'?: string };
  }[];
  const at = (type: string, path: string) =>
    resources.find(({ Type, Metadata }) => Type === type && Metadata?.['aws:cdk:path']?.includes(`/Feed/${path}/`))!
      .Properties;
  const variables = (name: string) => at('AWS::Lambda::Function', name).Environment.Variables;
  const actions = (name: string) => {
    const role = at('AWS::IAM::Role', name);
    const statements = JSON.stringify(role.Policies ?? at('AWS::IAM::Policy', name).PolicyDocument);
    return [...new Set(statements.match(/dynamodb:\w+/g))].sort();
  };
  return { variables, actions };
}

describe('how a feed begins', () => {
  it('from the start: nothing waits, and nothing more may be read', () => {
    const { variables, actions } = rolesOf({});
    expect(variables('Enrich')).not.toHaveProperty('FEED_FROM');
    expect(variables('Reconcile')).not.toHaveProperty('FEED_FROM');
    expect(actions('Enrich')).toEqual(['dynamodb:BatchGetItem', 'dynamodb:Query']);
  });

  it('from now: the enrichment and the reconciler wait for the adoption', () => {
    const { variables, actions } = rolesOf({ from: 'now' });
    expect(variables('Enrich')).toMatchObject({ FEED_FROM: 'now' });
    expect(variables('Reconcile')).toMatchObject({ FEED_FROM: 'now', POSITIONS_TABLE: expect.anything() });
    expect(variables('Confirm')).not.toHaveProperty('FEED_FROM');
    expect(actions('Enrich')).toEqual(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query']);
    expect(actions('Reconcile')).not.toContain('dynamodb:PutItem');
  });

  it('from another feed: the reconciler may read where that one was, and copy it', () => {
    const { variables, actions } = rolesOf({ from: 'Bank-Stream1', generation: 2 });
    expect(variables('Enrich')).toMatchObject({ FEED_FROM: 'Bank-Stream1' });
    expect(actions('Reconcile')).toEqual(expect.arrayContaining(['dynamodb:PutItem', 'dynamodb:Scan']));
  });
});

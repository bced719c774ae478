// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are CloudFormation's and IAM's
import { describe, expect, it } from 'vitest';
import { type Json, LOCAL_ACCOUNT } from '../../../local/cloud.ts';
import { HostError } from '../../../local/host/errors.ts';
import { openTemplate, type Template, unsupportedIn } from '../../../local/host/template.ts';

function open(template: Json, parameters: Record<string, Json> = {}): Template {
  return openTemplate({
    stackName: 'Bank',
    template,
    account: LOCAL_ACCOUNT,
    parameters,
    importValue: (name) => {
      if (name === 'Shared:Bus') return 'shared-bus';
      throw new Error(`nobody exports ${name}`);
    },
  });
}

/** The value as it comes out as a property of the only resource. */
function evaluate(value: Json, rest: Json = {}): Json {
  const template = open({ ...rest, Resources: { Thing: { Type: 'T', Properties: { value } } } });
  return template.propertiesOf(template.resources[0]!).value;
}

describe('intrinsic functions', () => {
  it.each([
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'us-east-1'],
    ['Ref of a parameter', { Ref: 'Stage' }, 'test'],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Stage' }, 7]] }, 'a-test-7'],
    ['Split', { 'Fn::Split': [',', 'a,b'] }, ['a', 'b']],
    ['Select of Split', { 'Fn::Select': ['1', { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
    ['FindInMap', { 'Fn::FindInMap': ['Sizes', { Ref: 'Stage' }, 'memory'] }, 128],
    ['Sub', { 'Fn::Sub': 'arn:${AWS::Partition}:x:${Stage}:${!Literal}' }, 'arn:aws:x:test:${Literal}'],
    [
      'Sub with variables',
      { 'Fn::Sub': ['${Who} in ${Stage}', { Who: { Ref: 'AWS::AccountId' } }] },
      '000000000000 in test',
    ],
    ['If, taken', { 'Fn::If': ['IsTest', 'yes', 'no'] }, 'yes'],
    ['If, not taken', { 'Fn::If': ['IsLive', 'yes', 'no'] }, 'no'],
    ['ImportValue', { 'Fn::ImportValue': { 'Fn::Sub': 'Shared:Bus' } }, 'shared-bus'],
    ['Base64', { 'Fn::Base64': 'hello' }, 'aGVsbG8='],
    ['Length', { 'Fn::Length': { 'Fn::Split': [',', 'a,b,c'] } }, 3],
    ['ToJsonString', { 'Fn::ToJsonString': { stage: { Ref: 'Stage' }, n: 1 } }, '{"stage":"test","n":1}'],
    ['GetAZs', { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] }, 'us-east-1a'],
    [
      'a policy condition is no intrinsic',
      { Condition: { Bool: { x: 'true' } } },
      { Condition: { Bool: { x: 'true' } } },
    ],
  ])('%s', (_name, value, expected) => {
    const rest = {
      Parameters: { Stage: { Type: 'String', Default: 'test' } },
      Mappings: { Sizes: { test: { memory: 128 } } },
      Conditions: {
        IsTest: { 'Fn::Equals': [{ Ref: 'Stage' }, 'test'] },
        IsLive: {
          'Fn::And': [
            { Condition: 'IsTest' },
            { 'Fn::Not': [{ 'Fn::Or': [{ Condition: 'IsTest' }, { 'Fn::Equals': [1, 2] }] }] },
          ],
        },
      },
    };
    expect(evaluate(value, rest)).toEqual(expected);
  });

  it('drops properties and elements that are AWS::NoValue', () => {
    expect(evaluate({ a: { Ref: 'AWS::NoValue' }, b: ['x', { Ref: 'AWS::NoValue' }] })).toEqual({ b: ['x'] });
  });

  it('reads attributes whose names hold dots', () => {
    const template = open({
      Resources: {
        Inner: { Type: 'T' },
        Outer: { Type: 'T', Properties: { v: { 'Fn::GetAtt': ['Inner', 'Outputs.Name'] } } },
      },
    });
    template.made('Inner', { ref: 'inner', attributes: { 'Outputs.Name': 'deep' } });
    expect(template.propertiesOf(template.resources[1]!).v).toBe('deep');
  });

  it('names the place and what is known when an attribute is not', () => {
    const template = open({
      Resources: { Queue: { Type: 'Q' }, User: { Type: 'U', Properties: { v: { 'Fn::GetAtt': 'Queue.Size' } } } },
    });
    template.made('Queue', { ref: 'q', attributes: { Arn: 'arn', QueueName: 'q' } });
    expect(() => template.propertiesOf(template.resources[1]!)).toThrow(
      /Bank, User \(U\): .*Queue only Arn, QueueName, not Size/,
    );
  });
});

describe('order', () => {
  const ids = (template: Template) => template.resources.map(({ logicalId }) => logicalId);

  it('puts each resource after what it refers to, however', () => {
    const template = open({
      Resources: {
        ByDependsOn: { Type: 'T', DependsOn: 'BySub' },
        BySub: { Type: 'T', Properties: { v: { 'Fn::Sub': 'x-${ByGetAtt.Arn}' } } },
        ByGetAtt: { Type: 'T', Properties: { deep: [{ v: { 'Fn::GetAtt': ['ByRef', 'Arn'] } }] } },
        ByRef: { Type: 'T', Properties: { v: { Ref: 'Last' } } },
        Last: { Type: 'T' },
      },
    });
    expect(ids(template)).toEqual(['Last', 'ByRef', 'ByGetAtt', 'BySub', 'ByDependsOn']);
  });

  it('leaves out resources whose condition is false, and what only the branch not taken refers to', () => {
    const template = open({
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: {
        Gone: { Type: 'T', Condition: 'Never' },
        Stays: { Type: 'T', Properties: { v: { 'Fn::If': ['Never', { Ref: 'Gone' }, 'else'] } } },
      },
    });
    expect(ids(template)).toEqual(['Stays']);
    expect(template.propertiesOf(template.resources[0]!)).toEqual({ v: 'else' });
  });

  it('reports a cycle by its names', () => {
    const circle = () =>
      open({
        Resources: {
          Start: { Type: 'T', Properties: { v: { Ref: 'A' } } },
          A: { Type: 'T', Properties: { v: { Ref: 'B' } } },
          B: { Type: 'T', DependsOn: ['A'] },
        },
      });
    expect(circle).toThrow(HostError);
    expect(circle).toThrow('Bank: these resources wait for each other: A → B → A');
  });
});

describe('parameters, rules, outputs', () => {
  it('takes the bootstrap version as met, so that the CDK’s rule holds', () => {
    const template = open({
      Parameters: {
        BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/hnb659fds/version' },
      },
      Rules: {
        CheckBootstrapVersion: {
          Assertions: [{ Assert: { 'Fn::Not': [{ 'Fn::Contains': [['1', '2', '5'], { Ref: 'BootstrapVersion' }] }] } }],
        },
      },
      Resources: {},
    });
    expect(template.parameters.get('BootstrapVersion')).toBe('30');
  });

  it.each([
    ['a parameter without value', { Parameters: { P: { Type: 'String' } } }, /P has no value/],
    [
      'another SSM parameter',
      { Parameters: { P: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/mine' } } },
      /SSM parameter \/mine/,
    ],
    [
      'a rule that fails',
      { Rules: { R: { Assertions: [{ Assert: { 'Fn::Equals': [1, 2] }, AssertDescription: 'no luck' }] } } },
      /no luck/,
    ],
  ])('refuses %s', (_name, template, message) => {
    expect(() => open({ Resources: {}, ...template })).toThrow(message);
  });

  it('gives outputs with their export names', () => {
    const template = open({
      Resources: { T: { Type: 'T' } },
      Outputs: { Name: { Value: { Ref: 'T' }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}:Name' } } } },
    });
    template.made('T', { ref: 'table-1', attributes: {} });
    expect(template.outputs()).toEqual([
      { key: 'Name', value: 'table-1', description: undefined, exportName: 'Bank:Name' },
    ]);
  });

  it('names what it does not have, all of it', () => {
    const problems = unsupportedIn({
      Transform: 'AWS::Serverless-2016-10-31',
      Resources: {
        A: { Type: 'T', CreationPolicy: {}, Properties: { v: { 'Fn::Cidr': ['10.0.0.0/16', 1, 8] } } },
      },
    });
    expect(problems).toEqual([
      'template section Transform',
      'intrinsic function Fn::Cidr',
      'A (T): resource attribute CreationPolicy',
    ]);
  });
});

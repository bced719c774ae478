import { expect, it } from 'vitest';
import { type Json, ROOT } from '../../../local/cloud.ts';
import { stepFunctionsResources } from '../../../local/stepfunctions/resources.ts';
import { machineArn, only, ROLE, Workbench } from './workbench.ts';

const provider = stepFunctionsResources.find(({ type }) => type === 'AWS::StepFunctions::StateMachine')!;
const create = (bench: Workbench, properties: Json) =>
  provider.create(
    { RoleArn: ROLE, ...properties },
    {
      cloud: bench.cloud,
      stackName: 'stack',
      logicalId: 'Machine',
      generatedName: 'stack-Machine-1',
      assetPath: () => '',
      caller: ROOT,
    },
  );
// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of a substitution
const definition = { QueryLanguage: 'JSONata', ...only({ Type: 'Pass', Output: '${Value}' }) };

it('makes a state machine of a template, with its substitutions', async () => {
  const bench = new Workbench();
  const created = await create(bench, {
    DefinitionString: JSON.stringify(definition),
    DefinitionSubstitutions: { Value: 'substituted' },
    LoggingConfiguration: {
      Level: 'ALL',
      IncludeExecutionData: true,
      Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: 'g' } }],
    },
    TracingConfiguration: { Enabled: true },
    Tags: [{ Key: 'k', Value: 'v' }],
  });
  const arn = machineArn('stack-Machine-1');
  expect(created).toMatchObject({ ref: arn, attributes: { Arn: arn, Name: 'stack-Machine-1' } });
  const described = await bench.states('DescribeStateMachine', { stateMachineArn: arn });
  expect(described).toMatchObject({
    loggingConfiguration: {
      level: 'ALL',
      includeExecutionData: true,
      destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: 'g' } }],
    },
    tracingConfiguration: { enabled: true },
    revisionId: created.attributes.StateMachineRevisionId,
  });
  expect(JSON.parse(described.definition).States.S.Output).toBe('substituted');
  expect((await bench.states('ListTagsForResource', { resourceArn: arn })).tags).toEqual([{ key: 'k', value: 'v' }]);
});

it('takes a Definition as JSON, a name and a type', async () => {
  const bench = new Workbench();
  const { ref } = await create(bench, {
    Definition: definition,
    StateMachineName: 'given',
    StateMachineType: 'EXPRESS',
  });
  expect(ref).toBe(machineArn('given'));
  expect((await bench.states('DescribeStateMachine', { stateMachineArn: ref })).type).toBe('EXPRESS');
  await expect(create(bench, {})).rejects.toThrow('either a DefinitionString or a Definition');
});

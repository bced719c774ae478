import { type Json, ServiceError } from '../cloud.ts';
import type { Created, ResourceContext, ResourceProvider } from '../resource.ts';

const STATE_MACHINE: ResourceProvider = {
  type: 'AWS::StepFunctions::StateMachine',
  properties: [
    'DefinitionString',
    'Definition',
    'DefinitionSubstitutions',
    'RoleArn',
    'StateMachineName',
    'StateMachineType',
    'LoggingConfiguration',
    'TracingConfiguration',
    'EncryptionConfiguration',
    'Tags',
  ],
  replacedBy: ['StateMachineName', 'StateMachineType'],
  create: createStateMachine,
};

/** What Step Functions makes of a template's resources. */
export const stepFunctionsResources: readonly ResourceProvider[] = [STATE_MACHINE];

async function createStateMachine(
  properties: Json,
  { cloud, caller, generatedName }: ResourceContext,
): Promise<Created> {
  const name: string = properties.StateMachineName ?? generatedName.slice(0, 80);
  const input = {
    name,
    definition: definitionOf(properties),
    roleArn: properties.RoleArn,
    type: properties.StateMachineType ?? 'STANDARD',
    loggingConfiguration: lowerCase(properties.LoggingConfiguration),
    tracingConfiguration: lowerCase(properties.TracingConfiguration),
    encryptionConfiguration: lowerCase(properties.EncryptionConfiguration),
    tags: lowerCase(properties.Tags),
  };
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const stateMachineArn = await createOrUpdate(
    (operation, body) => cloud.call(caller, 'states', operation, body),
    given,
  );
  const { revisionId } = await cloud.call(caller, 'states', 'DescribeStateMachine', { stateMachineArn });
  return {
    ref: stateMachineArn,
    attributes: { Arn: stateMachineArn, Name: name, StateMachineRevisionId: revisionId },
  };
}

/** A state machine that is there from an earlier start runs new executions by the new definition. */
async function createOrUpdate(call: (operation: string, input: Json) => Promise<Json>, input: Json): Promise<string> {
  try {
    return (await call('CreateStateMachine', input)).stateMachineArn;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'StateMachineAlreadyExists') throw error;
    const { stateMachines } = await call('ListStateMachines', { maxResults: 1000 });
    const { stateMachineArn } = stateMachines.find(({ name }: Json) => name === input.name);
    const { name: _, type: __, tags: ___, ...changes } = input;
    await call('UpdateStateMachine', { stateMachineArn, ...changes });
    return stateMachineArn;
  }
}

/** DefinitionSubstitutions: "a map (string to string) that specifies the mappings for placeholder variables", `${name}`. */
function definitionOf({ DefinitionString, Definition, DefinitionSubstitutions = {} }: Json): string {
  if ((DefinitionString === undefined) === (Definition === undefined)) {
    throw new ServiceError('ValidationException', 'A state machine has either a DefinitionString or a Definition');
  }
  const text: string = DefinitionString ?? JSON.stringify(Definition);
  return text.replace(/\$\{([A-Za-z0-9_]+)\}/g, (whole, name: string) =>
    Object.hasOwn(DefinitionSubstitutions, name) ? String(DefinitionSubstitutions[name]) : whole,
  );
}

/** CloudFormation writes members in PascalCase, the service in camelCase. */
function lowerCase(value: Json): Json {
  if (Array.isArray(value)) return value.map(lowerCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name[0]!.toLowerCase() + name.slice(1), lowerCase(inner)]),
  );
}

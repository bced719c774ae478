import { type Account, ServiceError } from '../cloud.ts';

const prefix = ({ region, accountId }: Account) => `arn:aws:states:${region}:${accountId}`;

export function stateMachineArn(account: Account, name: string): string {
  return `${prefix(account)}:stateMachine:${name}`;
}

/** `name` carries the label of a distributed Map for its children: `machine/label`. */
export function executionArn(account: Account, name: string, execution: string): string {
  return `${prefix(account)}:execution:${name}:${execution}`;
}

export function expressExecutionArn(account: Account, name: string, execution: string, id: string): string {
  return `${prefix(account)}:express:${name}:${execution}:${id}`;
}

export function mapRunArn(account: Account, name: string, label: string, id: string): string {
  return `${prefix(account)}:mapRun:${name}/${label}:${id}`;
}

/** The state machine's name; the label too when the ARN is that of a distributed Map's children. */
export function splitStateMachineArn(arn: string): { readonly name: string; readonly label: string | undefined } {
  const [name = '', label] = arn.split(':').slice(6).join(':').split('/');
  return { name, label };
}

/**
 * "A name must not contain: white space; brackets < > { } [ ]; wildcard characters ? *; special characters
 * \" # % \ ^ | ~ ` $ & , ; : /; control characters", and is 1 to 80 characters long.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the documentation names them
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f\ufffe\uffff\ud800-\udfff]{1,80}$/;

export function checkName(name: string): void {
  if (!NAME.test(name)) throw new ServiceError('InvalidName', `Invalid Name: '${name}'`);
}

export function checkArn(arn: unknown, kind: string): asserts arn is string {
  if (typeof arn === 'string' && new RegExp(`^arn:[^:]+:${kind}`).test(arn)) return;
  throw new ServiceError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`);
}

import { type Caller, type Json, ServiceError } from './cloud.ts';

/** One operation of a service: the parameters that it honours, and what it does. Every other parameter is refused. */
export interface Operation {
  readonly parameters: readonly string[];
  run(input: Json, caller: Caller): Json | Promise<Json>;
}

export type Operations = Readonly<Record<string, Operation>>;

/** An operation's entry in the table. */
export function operation(
  parameters: readonly string[],
  run: (input: Json, caller: Caller) => Json | Promise<Json>,
): Operation {
  return { parameters, run };
}

/** The `handle` of a service made of such a table: what is not in it is refused by name. */
export function handleBy(
  service: string,
  operations: Operations,
  refusal: string,
): (name: string, input: Json, caller: Caller) => Json | Promise<Json> {
  return (name, input, caller) => {
    const found = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (found === undefined) {
      throw new ServiceError('UnknownOperationException', `The operation ${name} of ${service} is not supported here`);
    }
    const given = input ?? {};
    for (const parameter of Object.keys(given)) {
      const value = given[parameter];
      if (value === undefined || value === null || found.parameters.includes(parameter)) continue;
      throw new ServiceError(refusal, `${name}: the parameter ${parameter} is not supported here`);
    }
    return found.run(given, caller);
  };
}

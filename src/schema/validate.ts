import { compileJsonSchema } from './compile-json-schema.ts';
import { asJsonSchema, type DataSchema } from './json-schema.ts';
import { type Issue, jsonProblem } from './json-value.ts';
import { isStandardSchema, type StandardIssue, type StandardSchemaV1 } from './standard-schema.ts';

/** A valid value as it is to be stored (a Standard Schema may have filled in defaults), or everything that is wrong with it. */
export type Validated =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

export type Validate = (value: unknown) => Validated;

const compiled = new WeakMap<DataSchema, Validate>();

/** The validator of a schema, compiled once. */
export function validatorOf(schema: DataSchema): Validate {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = isStandardSchema(schema)
      ? fromStandardSchema(schema)
      : fromCheck(compileJsonSchema(asJsonSchema(schema)));
    compiled.set(schema, validate);
  }
  return validate;
}

function fromCheck(check: (value: unknown) => Issue | undefined): Validate {
  return (value) => {
    const issue = check(value);
    return issue === undefined ? { value } : { issues: [issue] };
  };
}

function fromStandardSchema(schema: StandardSchemaV1): Validate {
  const standard = schema['~standard'];
  return (value) => {
    const result = standard.validate(value);
    if (result instanceof Promise) {
      // The promise is nobody's from here on: its rejection must not end the process.
      result.catch(() => {});
      return {
        issues: [
          { path: '', problem: `the ${standard.vendor} schema answers asynchronously; events need one that does not` },
        ],
      };
    }
    if (result.issues !== undefined) return { issues: result.issues.map(toIssue) };
    const notJson = jsonProblem(result.value);
    return notJson === undefined ? { value: result.value } : { issues: [notJson] };
  };
}

function toIssue(issue: StandardIssue): Issue {
  const steps = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  return { path: steps.map((step) => `/${String(step)}`).join(''), problem: issue.message };
}

const validateJson: Validate = fromCheck(jsonProblem);

/** Metadata without a schema: any JSON object. */
const validateJsonObject: Validate = fromCheck((value) =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? { path: '', problem: 'must be an object' }
    : jsonProblem(value),
);

/** The validator of an event's part. Of an event of which only the type is known any JSON goes. */
export function validatorFor(
  definition: { readonly data: DataSchema; readonly metadata?: DataSchema } | undefined,
  part: 'data' | 'metadata',
): Validate {
  const schema = definition?.[part];
  if (schema !== undefined) return validatorOf(schema);
  return part === 'data' ? validateJson : validateJsonObject;
}

import { addMessages } from '../errors.ts';

/** The archive error codes: each makes its message from its details. */
export const archiveErrors = {
  'archive.answerFull': (d: { bytes: number; limit: number }) =>
    `a record becomes ${d.bytes} bytes of rows, which the answer of ${d.limit} bytes has no room for; it goes to the errors/ prefix as it came, nothing is lost`,
  'archive.parameterValue': (d: {
    readonly name: string;
    readonly type: string;
    readonly value: string;
    readonly allowed: string;
  }) => `The parameter ${d.name} (${d.type}) is ${JSON.stringify(d.value.slice(0, 100))}; allowed is ${d.allowed}`,
  'archive.savedQuery': (d: { readonly name: string; readonly problem: string }) =>
    `The saved query ${JSON.stringify(d.name)} cannot be deployed: ${d.problem}`,
};

addMessages(archiveErrors);

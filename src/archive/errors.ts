import { addMessages } from '../errors.ts';

/** The archive error codes: each makes its message from its details. */
export const archiveErrors = {
  'archive.answerFull': (d: { bytes: number; limit: number }) =>
    `a record becomes ${d.bytes} bytes of rows, which the answer of ${d.limit} bytes has no room for; it goes to the errors/ prefix as it came, nothing is lost`,
};

addMessages(archiveErrors);

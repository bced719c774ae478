/** The archive error codes: each makes its message from its details. */
export const archiveErrors = {};

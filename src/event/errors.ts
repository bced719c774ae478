/** The event error codes: each makes its message from its details. */
export const eventErrors = {};

/** Paths as a list that SQL takes. */
export const pathList = (paths: readonly string[]): string => `[${paths.map(quoteText).join(', ')}]`;

/** A text as SQL writes it, for what cannot be bound: paths that this process made, names of declared columns. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A function's environment variable; its absence is named, for it is the construct's doing. */
export function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Error(`The environment variable ${name} is missing: the function's construct sets it.`);
  return value;
}

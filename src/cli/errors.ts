/** The cli error codes: each makes its message from its details. */
export const cliErrors = {
  'cli.usage': (d: { readonly problem: string; readonly command?: string }) =>
    `${d.problem}. See \`daybook ${d.command === undefined ? '' : `${d.command} `}--help\`.`,
  'cli.notYet': (d: { readonly option: string; readonly command: string }) =>
    `${d.option} of \`daybook ${d.command}\` is not there yet in this version.`,
  'cli.missingPackage': (d: { readonly name: string; readonly install: string }) =>
    `The package ${d.name} is not installed. It comes with daybook unless optional packages are left out: ${d.install}`,
};

/** What can go wrong before the first call is answered, each with the message that a person at the terminal needs. */
const messages = {
  'local.noAssembly': (d: { readonly directory: string }) =>
    `${d.directory} holds no manifest.json, so it is no synthesized CDK app. Run \`cdk synth\`, or name the app's file.`,
  'local.noFile': (d: { readonly file: string }) =>
    `There is no file ${d.file}. Name the CDK app: --app FILE (.ts, .js, .mjs) or a cdk.out folder.`,
  'local.noApp': (d: { readonly directory: string }) =>
    `There is no cdk.json with an "app" in ${d.directory}. Name the app: --app FILE (.ts, .js, .mjs) or a cdk.out folder.`,
  'local.synthFailed': (d: { readonly command: string; readonly output: string }) =>
    `The CDK app failed: ${d.command}\n${d.output}`,
  'local.noTsx': (d: { readonly app: string }) =>
    `${d.app} is TypeScript and tsx was not found from there: npm install --save-dev tsx, or give a .js app.`,
  'local.unsupported': (d: { readonly problems: readonly string[] }) =>
    `The template uses what the embedded runtime does not have, and it would not be honest to ignore it:\n${d.problems
      .map((problem) => `  - ${problem}`)
      .join('\n')}`,
  'local.template': (d: { readonly stack: string; readonly at: string; readonly problem: string }) =>
    `${d.stack}, ${d.at}: ${d.problem}`,
  'local.cycle': (d: { readonly stack: string; readonly path: readonly string[] }) =>
    `${d.stack}: these resources wait for each other: ${d.path.join(' → ')}`,
  'local.environments': (d: { readonly environments: readonly string[] }) =>
    `The stacks are made for several accounts or regions (${d.environments.join(', ')}); the embedded runtime is one account in one region.`,
  'local.createFailed': (d: {
    readonly stack: string;
    readonly logicalId: string;
    readonly type: string;
    readonly reason: string;
  }) => `${d.stack}: ${d.logicalId} (${d.type}) could not be created: ${d.reason}`,
  'local.noAsset': (d: { readonly bucket: string; readonly key: string }) =>
    `No asset of the assembly was synthesized to s3://${d.bucket}/${d.key}.`,
  'local.missingPackage': (d: { readonly name: string; readonly version: string; readonly purpose: string }) =>
    `${d.name} is not installed (${d.purpose}): npm install ${d.name}@${d.version}`,
  'local.port': (d: { readonly port: number; readonly reason: string }) =>
    `Port ${d.port} of 127.0.0.1 cannot be used: ${d.reason}. Name another one, or none to get a free one.`,
  'local.journalBroken': (d: { readonly path: string; readonly at: number; readonly problem: string }) =>
    `${d.path} cannot be read from byte ${d.at} on: ${d.problem}. Nothing was changed. Use another --data folder, or cut the file there.`,
  'local.chaos': (d: { readonly item: string; readonly problem: string }) =>
    `--chaos-only takes SERVICE[:FAULT[=RATE]], separated by commas; ${d.item} is not one: ${d.problem}.`,
  'local.dataInUse': (d: { readonly data: string }) =>
    `${d.data} is in use by another runtime. End that one, or name another folder.`,
};

export type HostErrorCode = keyof typeof messages;

/** An error of the embedded runtime itself, not of a service that it hosts. */
export class HostError<C extends HostErrorCode = HostErrorCode> extends Error {
  override readonly name = 'HostError';
  readonly code: C;
  readonly details: Parameters<(typeof messages)[C]>[0];

  constructor(code: C, details: Parameters<(typeof messages)[C]>[0], options?: { readonly cause?: unknown }) {
    super((messages[code] as (details: unknown) => string)(details), options);
    this.code = code;
    this.details = details;
  }
}

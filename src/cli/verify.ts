import './errors.ts';
import { createWriteStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { ColdStorage } from '../archive/cold-files.ts';
import { DIFFERENCES, type Finding } from '../archive/findings.ts';
import { COMPACTED_PREFIX } from '../archive/generation.ts';
import { type Mended, mendGeneration } from '../archive/mend-generation.ts';
import { restoreManifest } from '../archive/restore-manifest.ts';
import { createSender, envelopesOf, type Sender, type Unsendable, whyUnsendable } from '../archive/send-events.ts';
import { LAG_MS, type VerifyProgress, type VerifyReport, verify } from '../archive/verify.ts';
import { exportSummary, readExport } from '../aws/read-export.ts';
import { scanEvents } from '../aws/scan-events.ts';
import { DaybookError } from '../errors.ts';
import { agree, priceText } from './agree.ts';
import { oneLine } from './cells.ts';
import { orUsage } from './command.ts';
import { fileFrom, folderFrom, numberOf, timeFrom } from './flags.ts';
import { type OpenArchive, openArchive } from './open-archive.ts';
import { createProgress } from './progress.ts';
import { TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { cut, paint, type Terminal } from './terminal.ts';

export const help = `daybook verify [--from TIME] [--to TIME] [--fix] [--export S3-URL] [--report FILE] [--yes] [--json]

Is it all there? Compares the events table with the archive, event by event, by version and by a hash of everything that is
stored: names what is missing, what only the archive has, what differs, and each file that cannot be read, is gone or copied.

  --from TIME           only what was recorded from then on; with its zone, such as 2026-01-31T12:00:00Z
  --to TIME             only what was recorded until then; both ends are included
  --fix                 send what is missing to the archive; it is there when Firehose has written it. Lists of compacted
                        files and a manifest that is gone are written anew, and a compacted file that is gone is left
                        out of its generation
  --export S3-URL       the table as an export of it shows it, instead of a scan:
                        s3://bucket/prefix/AWSDynamoDB/01234567890123-a1b2c3d4/ (a full export in DynamoDB JSON)
  --lag MINUTES         what was recorded so lately may be on its way; default ${LAG_MS / 60_000}
  --report FILE         where everything that is found is written, a JSON line each, the summary last; default in the
                        archive's bucket, below checks/verify/
  --work-dir FOLDER     where keys are compared: some 100 bytes an event; default the system's temporary folder
  --yes                 do it at its price, without asking
  --json                one line on standard output
${TARGET_HELP}

Exit codes: 0 everything is there, 1 it is not, or not able to look, 2 wrong usage.

  npx daybook verify --stack Bank
  npx daybook verify --stack Bank --from 2026-01-01T00:00:00Z --fix --yes`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  from: { type: 'string' },
  to: { type: 'string' },
  fix: { type: 'boolean', default: false },
  export: { type: 'string' },
  lag: { type: 'string' },
  report: { type: 'string' },
  'work-dir': { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** How many findings of a kind are shown, and how many the one JSON line holds; the report holds all. */
const MOST_SHOWN = 20;
const MOST_IN_JSON = 1000;
const UNIT_BYTES = 4096;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('verify', () => parseArgs({ args: [...args], options: OPTIONS }));
  const from = timeFrom('from', values.from, 'verify');
  const to = timeFrom('to', values.to, 'verify');
  if (from !== undefined && to !== undefined && from > to) throw usage(`--from ${from} is after --to ${to}`);
  const lag = numberOf('lag', values.lag, 0, 'verify');
  const reportFile = fileFrom('report', values.report, 'verify');
  const workDir = folderFrom('work-dir', values['work-dir'], 'verify');
  const exported = values.export === undefined ? undefined : exportFolder(values.export);
  const archive = await openArchive(values, 'verify');
  const progress = createProgress(terminal);
  try {
    const cold = archive.cold();
    const repair = values.fix ? repairs(archive) : undefined;
    const size = await archive.size();
    const work = await archive.workFolder(workDir);
    const hot = exported === undefined ? scanEvents(archive) : await openExport(archive, exported, work);
    // A page of a scan is rounded up as a whole.
    const price = priceText({ reads: exported === undefined ? Math.ceil(size.bytes / UNIT_BYTES) / 2 : 0 });
    const what = `to compare ${n(size.events)} events, as DynamoDB counts them every six hours or so, with the archive`;
    const how = exported === undefined ? price : 'the export is read in place of the table, no read units';
    await agree(terminal, `${what}: ${how}; the archive's files are read once`, values.yes, 'verify');
    const startedAt = new Date().toISOString();
    const restored = values.fix ? await restoreManifest(archive.files, cold.currentGeneration) : undefined;
    const found = createReport(join(work, 'report.jsonl'));
    const report = await verify(
      { cold, hot, table: archive.table, now: Date.now },
      {
        folder: work,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(lag !== undefined && { lagMs: lag * 60_000 }),
        onFinding: async (finding) => {
          await found.add(finding);
          if (finding.kind === 'missing') await repair?.send(finding);
          else if ('key' in finding && finding.key.startsWith(COMPACTED_PREFIX)) repair?.take(finding);
        },
        onProgress: (now) => progress.show(doneOf(now, size.events), describe(now)),
      },
    );
    const sent = await repair?.end();
    const mended = await repair?.mend(cold, work);
    progress.end();
    const place = reportFile ?? `s3://${archive.bucket}/checks/verify/${startedAt}.jsonl`;
    const repaired = {
      ...(restored !== undefined && { restored }),
      ...(sent !== undefined && { sent }),
      ...(mended !== undefined && { mended }),
    };
    await found.end({ ...report, ...repaired });
    if (reportFile !== undefined) await copyFile(found.path, reportFile);
    else await archive.files.upload(`checks/verify/${startedAt}.jsonl`, found.path);
    if (values.json) {
      const { all, kept } = found;
      const rest = { ...repaired, report: place };
      terminal.out(
        JSON.stringify({ table: archive.tableName, ...report, ...rest, findings: kept, further: all - kept.length }),
      );
    } else {
      for (const line of found.lines(terminal)) terminal.out(line);
      if (restored !== undefined) terminal.out(`written     ${restored}  anew, of what its compaction left`);
      for (const line of mendedLines(mended)) terminal.out(line);
      for (const unsent of sent?.unsent.slice(0, MOST_SHOWN) ?? []) {
        const line = `unsendable  ${unsent.aggregate}  version ${unsent.version}: ${whyUnsendable(unsent)}`;
        terminal.out(paint(terminal, 'red', cut(oneLine(line), terminal.columns)));
      }
      for (const line of summaryOf(report, sent)) terminal.out(line);
      terminal.out(`report: ${place}`);
    }
    if (!report.complete) {
      const { missing } = report.found;
      throw new DaybookError('cli.archiveDiffers', {
        differences: differencesIn(report),
        missing,
        fixed: sent !== undefined,
        unsendable: sent?.unsendable ?? 0,
      });
    }
  } finally {
    progress.end();
    await archive.close();
  }
}

function exportFolder(url: string): { readonly bucket: string; readonly folder: string } {
  const [, bucket, folder] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url) ?? [];
  if (bucket !== undefined && folder !== undefined) return { bucket, folder };
  throw usage(
    `--export is ${url}; allowed is the folder of an export, s3://bucket/prefix/AWSDynamoDB/01234567890123-a1b2c3d4/`,
  );
}

async function openExport(
  archive: OpenArchive,
  { bucket, folder }: ReturnType<typeof exportFolder>,
  work: string,
): Promise<ReturnType<typeof readExport>> {
  const files = archive.filesOf(bucket);
  const summary = await exportSummary(files, folder);
  const exported = summary.tableArn.split(':table/')[1];
  if (exported !== archive.tableName) throw usage(`--export is of the table ${exported}, not of ${archive.tableName}`);
  return readExport({ files, summary, work });
}

/** Events that are sent again, and those that cannot be. */
interface Sent {
  readonly events: number;
  readonly unsendable: number;
  /** The first of those that cannot be sent, each with the reason. */
  readonly unsent: readonly Unsendable[];
}

function repairs(archive: OpenArchive) {
  const ports = { feed: archive.feed(), table: archive.table };
  /** What is to be mended at the current generation; what is beyond the bound the next run finds. */
  const ofGeneration: Finding[] = [];
  const unsent: Unsendable[] = [];
  const sent = { events: 0, unsendable: 0, unsent };
  const sender: Sender = createSender({
    writer: archive.writer(),
    onSent: (envelopes) => {
      for (const { events } of envelopes) sent.events += events.length;
    },
  });
  return {
    async send({ aggregate, from, to }: Extract<Finding, { kind: 'missing' }>): Promise<void> {
      const skip = (unsendable: Unsendable) => {
        sent.unsendable++;
        if (unsent.length < MOST_IN_JSON) unsent.push(unsendable);
      };
      for await (const envelope of envelopesOf(ports, aggregate, from, to, skip)) await sender.add(envelope);
    },
    take(finding: Finding): void {
      if (ofGeneration.length < MOST_IN_JSON) ofGeneration.push(finding);
    },
    async mend({ currentGeneration }: ColdStorage, folder: string): Promise<Mended> {
      const { files, bucket: archiveBucket } = archive;
      if (ofGeneration.length === 0) return { leftOut: [], written: [] };
      return await mendGeneration({ files, currentGeneration, archiveBucket, now: Date.now }, ofGeneration, folder);
    },
    async end(): Promise<Sent> {
      await sender.flush();
      return sent;
    },
  };
}

const mendedLines = (mended: Mended | undefined): string[] => [
  ...(mended?.leftOut ?? []).map((key) => `left out    ${key}  which is gone: the current generation names it no more`),
  ...(mended?.written ?? []).map((key) => `written     ${key}  anew, as the manifest says`),
];

/** All findings in a file, the first ones at hand. */
function createReport(path: string) {
  const file = createWriteStream(path);
  const kept: Finding[] = [];
  const shown = new Map<Finding['kind'], Finding[]>();
  const counts = new Map<Finding['kind'], number>();
  let all = 0;
  const write = async (value: unknown) => {
    if (!file.write(`${JSON.stringify(value)}\n`))
      await new Promise<void>((drained) => file.once('drain', () => drained()));
  };
  return {
    path,
    kept,
    get all() {
      return all;
    },
    async add(finding: Finding): Promise<void> {
      all++;
      if (kept.length < MOST_IN_JSON) kept.push(finding);
      const { kind } = finding;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const some = shown.get(kind) ?? [];
      if (some.length < MOST_SHOWN) shown.set(kind, [...some, finding]);
      await write(finding);
    },
    async end(summary: object): Promise<void> {
      await write({ kind: 'summary', ...summary });
      file.end();
      await finished(file);
    },
    lines(terminal: Terminal): string[] {
      return [...shown].flatMap(([kind, some]) => {
        const color = DIFFERENCES.has(kind) ? 'red' : 'yellow';
        const lines = some.map((each) => paint(terminal, color, cut(oneLine(lineOf(each)), terminal.columns)));
        const more = counts.get(kind)! - some.length;
        return more === 0 ? lines : [...lines, paint(terminal, 'dim', `${kind}: ${n(more)} more, in the report`)];
      });
    },
  };
}

function lineOf(finding: Finding): string {
  switch (finding.kind) {
    case 'unreadable':
      return `unreadable  ${finding.key}  ${n(finding.bytes)} bytes: ${finding.reason}`;
    case 'gone':
      return `gone        ${finding.key}  which the current generation names`;
    case 'changed':
      return `changed     ${finding.key}  expected ${finding.expected}, found ${finding.actual}`;
    case 'repeated':
      return `repeated    ${finding.key}  holds the same rows as ${finding.of}`;
    case 'stranger':
      return `stranger    ${finding.key}  ${n(finding.bytes)} bytes, which no query reads`;
    case 'misplaced':
      return `misplaced   ${finding.key}  ${n(finding.rows)} rows belong to another bucket`;
    case 'missing':
      return `missing     ${finding.aggregate}  ${versions(finding)}, recorded ${finding.since}`;
    case 'extra':
      return `extra       ${finding.aggregate}  ${versions(finding)}, in ${finding.key}`;
    case 'differing':
      return `differing   ${finding.aggregate}  version ${finding.version}, in ${finding.key}`;
    case 'twice':
      return `twice       ${finding.aggregate}  version ${finding.version}, in ${finding.key} and once more in the generation`;
    case 'hole':
      return `hole        ${finding.aggregate}  ${versions(finding)}: later ones are there`;
    case 'noEvent':
      return `no event    ${finding.aggregate}  version ${finding.version}: ${finding.reason}`;
  }
}

const versions = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  from === to ? `version ${from}` : `versions ${from} to ${to}`;

function summaryOf(report: VerifyReport, sent: Sent | undefined): string[] {
  const { events, aggregates, files, bytes, archived, repeats, onTheWay, found } = report;
  const kinds = (Object.keys(found) as Finding['kind'][]).filter((kind) => found[kind] > 0);
  const way = onTheWay === 0 ? '' : `, ${n(onTheWay)} on their way`;
  const lines = [
    `${n(events)} events of ${n(aggregates)} aggregates in the table, ${n(archived)} in the archive (${n(files)} files, ${n(Math.ceil(bytes / 1e6))} MB, ${n(repeats)} repeats)${way}`,
    kinds.length === 0
      ? `everything that was recorded until ${report.asOf} is there`
      : kinds.map((kind) => `${n(found[kind])} ${WORDS[kind]}`).join(', '),
  ];
  if (sent !== undefined) {
    const not = sent.unsendable === 0 ? '' : `, ${n(sent.unsendable)} cannot be`;
    lines.push(`${n(sent.events)} events were sent to the archive${not}`);
  }
  return lines;
}

const WORDS: Readonly<Record<Finding['kind'], string>> = {
  unreadable: 'files unreadable',
  gone: 'files gone',
  changed: 'files changed',
  repeated: 'files repeated',
  stranger: 'strange objects',
  misplaced: 'rows misplaced',
  missing: 'events missing',
  extra: 'events extra',
  differing: 'events differing',
  twice: 'events twice',
  hole: 'versions in holes',
  noEvent: 'items that are no events',
};

const differencesIn = ({ found }: VerifyReport): number => [...DIFFERENCES].reduce((sum, kind) => sum + found[kind], 0);

function doneOf({ doing, events, done }: VerifyProgress, all: number): number | undefined {
  if (done !== undefined) return done;
  return all === 0 ? undefined : Math.min(1, events / all) * (doing === 'comparing' ? 0 : 1);
}

const describe = ({ doing, files, events }: VerifyProgress): string =>
  `${doing}: ${n(files)} files, ${n(events)} events`;
const n = (value: number) => value.toLocaleString('en');

function usage(problem: string): DaybookError {
  return new DaybookError('cli.usage', { problem, command: 'verify' });
}

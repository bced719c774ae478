import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { type Bus, type Buses, constraint, findBus, invalid, notFound, paged } from './bus.ts';
import type { BusEvent } from './event.ts';
import { compilePattern } from './pattern.ts';

export interface Archive {
  readonly name: string;
  readonly arn: string;
  readonly sourceArn: string;
  readonly createdMs: number;
  description: string | undefined;
  pattern: string | undefined;
  matches: ((event: Json) => boolean) | undefined;
  /** 0 keeps events for ever. */
  retentionDays: number;
  events: BusEvent[];
}

export type Archives = Map<string, Archive>;

const DAY_MS = 86_400_000;

export function archiveOperations(cloud: Cloud, buses: Buses, archives: Archives): Operations {
  const find = (name: Json): Archive => {
    const archive = archives.get(name);
    if (archive === undefined) throw notFound(`Archive ${name} does not exist.`);
    return archive;
  };
  const settings = (input: Json) => {
    const days = input.RetentionDays ?? 0;
    if (!Number.isInteger(days) || days < 0) throw constraint(days, 'retentionDays', 'Member must be 0 or more');
    const pattern: string | undefined = input.EventPattern ?? undefined;
    return {
      description: input.Description ?? undefined,
      pattern,
      matches: pattern === undefined ? undefined : compilePattern(pattern),
      retentionDays: days,
    };
  };

  return {
    CreateArchive: operation(
      ['ArchiveName', 'EventSourceArn', 'Description', 'EventPattern', 'RetentionDays'],
      (input) => {
        const name = input.ArchiveName;
        if (typeof name !== 'string' || !/^[\w.-]{1,48}$/.test(name)) {
          throw constraint(name, 'archiveName', 'Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+');
        }
        if (archives.has(name)) {
          throw new ServiceError('ResourceAlreadyExistsException', `Archive ${name} already exists.`);
        }
        const bus = findBus(buses, input.EventSourceArn);
        const archive: Archive = {
          name,
          arn: `arn:aws:events:${cloud.account.region}:${cloud.account.accountId}:archive/${name}`,
          sourceArn: bus.arn,
          createdMs: cloud.kernel.clock.now(),
          events: [],
          ...settings(input),
        };
        archives.set(name, archive);
        return { ArchiveArn: archive.arn, State: 'ENABLED', CreationTime: archive.createdMs / 1000 };
      },
    ),

    UpdateArchive: operation(['ArchiveName', 'Description', 'EventPattern', 'RetentionDays'], (input) => {
      const archive = find(input.ArchiveName);
      Object.assign(archive, settings(input));
      return { ArchiveArn: archive.arn, State: 'ENABLED', CreationTime: archive.createdMs / 1000 };
    }),

    DeleteArchive: operation(['ArchiveName'], (input) => {
      archives.delete(find(input.ArchiveName).name);
      return {};
    }),

    DescribeArchive: operation(['ArchiveName'], (input) => {
      const archive = find(input.ArchiveName);
      trim(archive, cloud.kernel.clock.now());
      return {
        ...summary(archive),
        ArchiveArn: archive.arn,
        ...(archive.description !== undefined && { Description: archive.description }),
        ...(archive.pattern !== undefined && { EventPattern: archive.pattern }),
      };
    }),

    ListArchives: operation(['NamePrefix', 'EventSourceArn', 'State', 'NextToken', 'Limit'], (input) => {
      const found = [...archives.values()]
        .filter((archive) => archive.name.startsWith(input.NamePrefix ?? ''))
        .filter((archive) => input.EventSourceArn === undefined || archive.sourceArn === input.EventSourceArn)
        .filter(() => input.State === undefined || input.State === 'ENABLED');
      const { page, next } = paged(found, input);
      return { Archives: page.map(summary), ...next };
    }),
  };
}

function summary(archive: Archive): Json {
  return {
    ArchiveName: archive.name,
    EventSourceArn: archive.sourceArn,
    State: 'ENABLED',
    RetentionDays: archive.retentionDays,
    SizeBytes: archive.events.reduce((sum, event) => sum + Buffer.byteLength(event.text), 0),
    EventCount: archive.events.length,
    CreationTime: archive.createdMs / 1000,
  };
}

/** Keeps an event in the archives of its bus, and names them. Replayed events are not archived again: the archive's rule leaves them out. */
export function keep(archives: Archives, bus: Bus, event: BusEvent, nowMs: number): string[] {
  const kept: string[] = [];
  for (const archive of archives.values()) {
    if (archive.sourceArn !== bus.arn || (archive.matches !== undefined && !archive.matches(event.parsed()))) continue;
    trim(archive, nowMs);
    archive.events.push(event);
    kept.push(archive.name);
  }
  return kept;
}

function trim(archive: Archive, nowMs: number): void {
  if (archive.retentionDays === 0) return;
  const oldest = nowMs - archive.retentionDays * DAY_MS;
  const from = archive.events.findIndex((event) => event.ingestedMs >= oldest);
  archive.events = from < 0 ? [] : archive.events.slice(from);
}

/** The archive that a replay names by ARN. */
export function archiveOf(archives: Archives, arn: Json): Archive {
  for (const archive of archives.values()) if (archive.arn === arn) return archive;
  throw invalid('Parameter EventSourceArn is not valid. Reason: it is not the ARN of an archive.');
}

import type { Json } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import type { Created } from '../resource.ts';

/** What a resource of an earlier start was made of, and what it became. */
export interface KeptResource {
  readonly type: string;
  readonly properties: Json;
  readonly created: Created;
  /** How often it was replaced: part of the name that is generated for it. */
  readonly generation: number;
}

/** The stacks as the last start left them. Without a journal there never was one. */
export interface KeptStacks {
  createdAt(stackName: string, now: number): number;
  find(stackName: string, logicalId: string): KeptResource | undefined;
  made(stackName: string, logicalId: string, resource: KeptResource): void;
  /** The logical ids that the stack had. */
  idsOf(stackName: string): readonly string[];
  stackNames(): readonly string[];
  forget(stackName: string, logicalId: string): void;
  /** What this start made of other properties than the one before: references and ARNs. */
  updated(): ReadonlySet<string>;
}

interface KeptStack {
  readonly createdAt: number;
  readonly resources: Map<string, KeptResource>;
}

type Entry =
  | { readonly kind: 'stack'; readonly stack: string; readonly createdAt: number }
  | { readonly kind: 'made'; readonly stack: string; readonly id: string; readonly resource: KeptResource }
  | { readonly kind: 'gone'; readonly stack: string; readonly id: string };

export function keepStacks(journal: Journal | undefined): KeptStacks {
  const stacks = new Map<string, KeptStack>();
  const updated = new Set<string>();
  const write = journal?.join<Entry>('stacks', {
    restore(entry) {
      if (entry.kind === 'stack') {
        stacks.set(entry.stack, { createdAt: entry.createdAt, resources: new Map() });
        return;
      }
      const { resources } = stacks.get(entry.stack)!;
      if (entry.kind === 'made') resources.set(entry.id, entry.resource);
      else resources.delete(entry.id);
    },
    *snapshot() {
      for (const [stack, { createdAt, resources }] of stacks) {
        yield { kind: 'stack', stack, createdAt };
        for (const [id, resource] of resources) yield { kind: 'made', stack, id, resource };
      }
    },
  });
  const stackOf = (stack: string, createdAt: number): KeptStack => {
    let known = stacks.get(stack);
    if (known === undefined) {
      known = { createdAt, resources: new Map() };
      stacks.set(stack, known);
      write?.({ kind: 'stack', stack, createdAt });
    }
    return known;
  };
  return {
    createdAt: (stack, now) => stackOf(stack, now).createdAt,
    find: (stack, id) => stacks.get(stack)?.resources.get(id),
    made(stack, id, resource) {
      const { resources } = stackOf(stack, 0);
      const before = resources.get(id);
      if (JSON.stringify(before) === JSON.stringify(resource)) return;
      if (before !== undefined && JSON.stringify(before.properties) !== JSON.stringify(resource.properties)) {
        updated.add(resource.created.ref);
        if (resource.created.attributes.Arn !== undefined) updated.add(resource.created.attributes.Arn);
      }
      resources.set(id, resource);
      write?.({ kind: 'made', stack, id, resource });
    },
    idsOf: (stack) => [...(stacks.get(stack)?.resources.keys() ?? [])],
    stackNames: () => [...stacks.keys()],
    forget(stack, id) {
      stacks.get(stack)?.resources.delete(id);
      write?.({ kind: 'gone', stack, id });
    },
    updated: () => updated,
  };
}

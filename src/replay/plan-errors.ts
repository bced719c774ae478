import { addMessages } from '../errors.ts';

/** Why a replay is not begun: what folds and promotes can say none of it. */
export const planErrors = {
  'replay.badRequest': (d: { where: string; given: unknown; allowed: string }) =>
    `${d.where} was ${JSON.stringify(d.given) ?? 'not given'}; allowed is ${d.allowed}`,
  'replay.unknownField': (d: { where: string; unknown: readonly string[]; known: readonly string[] }) =>
    `the ${d.where} has the unknown field ${d.unknown.join(', ')}; it may have ${d.known.join(', ')}`,
  'replay.unknownProjection': (d: { given: unknown; known: readonly string[] }) =>
    `there is no projection ${JSON.stringify(d.given) ?? '(none given)'} in this app; it has ${d.known.join(', ') || 'none'}`,
  'replay.emptyRange': (d: { from: number | string; to: number | string }) =>
    `the range begins at ${d.from}, after its end ${d.to}; both ends are included, so from ≤ to`,
  'replay.alreadyBuilding': (d: { projection: string; building: string; refused: string }) =>
    `${d.projection} is being rebuilt by ${d.building}, so ${d.refused} was refused; wait for it, stop it (npx daybook replay stop), or ask with ifBusy: queue`,
  'replay.nameTaken': (d: { projection: string; name: string; by: string }) =>
    `a build of ${d.projection} has the name ${d.name} already, that of ${d.by}: nothing was begun. Start the replay under another name`,
  'replay.overBudget': (d: { projection: string; estimate: number; budget: number }) =>
    `the replay of ${d.projection} is estimated at $${d.estimate}, its budget is $${d.budget}: nothing was started. Raise the budget, or bound the range`,
  'replay.nothingToRollBack': (d: { projection: string; version: number }) =>
    `${d.projection} version ${d.version} has no earlier build to go back to: none was promoted before the active one, or its retention has ended`,
  'replay.overtaken': (d: { projection: string; build: string }) =>
    `${d.build} is not the build before the live one of ${d.projection} any more: another replay has ended while this rollback began. Nothing was done; look at what is live (npx daybook replay list), and ask again if need be`,
  'replay.generationGone': (d: { generation: string }) =>
    `the archive's generation ${d.generation}, which was current when this replay began, is gone: a compaction has taken its place. Nothing was begun; start the replay under another name`,
};

addMessages(planErrors);

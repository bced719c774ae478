import { addMessages } from '../errors.ts';

/** Why a replay is not begun: what folds and promotes can say none of it. */
export const planErrors = {
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

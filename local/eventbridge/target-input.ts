import type { Json } from '../cloud.ts';
import { type DeliveringRule, invalid, type Target } from './bus.ts';
import { type BusEvent, isoSeconds } from './event.ts';
import { findByPath, parseJsonPath } from './json-path.ts';

/** The text that a target gets for an event: the whole event, a constant, a part of it, or what a template makes of it. */
export function inputFor(target: Target, rule: DeliveringRule, event: BusEvent): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) {
    if (target.InputPath === '$') return event.text;
    const found = findByPath(parseJsonPath(target.InputPath) ?? [], JSON.parse(event.text));
    return JSON.stringify(found ?? {});
  }
  if (target.InputTransformer !== undefined) return transform(target.InputTransformer, rule, event);
  return event.text;
}

const PLACEHOLDER = /<([A-Za-z0-9_.-]+)>/y;

function transform(
  { InputPathsMap: paths = {}, InputTemplate: template }: NonNullable<Target['InputTransformer']>,
  rule: DeliveringRule,
  event: BusEvent,
): string {
  const parsed = JSON.parse(event.text);
  const { detail: _, ...withoutDetail } = parsed;
  const values = new Map<string, Json>([
    ['aws.events.rule-arn', rule.arn],
    ['aws.events.rule-name', rule.name],
    ['aws.events.event.ingestion-time', isoSeconds(event.ingestedMs)],
    ['aws.events.event', withoutDetail],
    ['aws.events.event.json', parsed],
  ]);
  for (const [name, path] of Object.entries(paths)) values.set(name, findByPath(parseJsonPath(path) ?? [], parsed));
  // "Quotes are required for strings", and added where a variable stands as a JSON value. "EventBridge doesn't escape
  // values extracted by Input Path." Within a string only the quotes of an object's JSON are left out.
  const text = fill(template, (name, quoted) => {
    const value = values.get(name);
    if (!quoted) return value === undefined ? '""' : JSON.stringify(value);
    if (typeof value === 'string') return value;
    return value === undefined ? '' : JSON.stringify(value).replaceAll('"', '');
  });
  return minified(text);
}

/** "The JSON that is passed to the target is minified"; what is no JSON goes as it is. */
function minified(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Replaces each `<name>`; `quoted` says whether it stands inside a JSON string. */
function fill(template: string, replace: (name: string, quoted: boolean) => string): string {
  let text = '';
  let quoted = false;
  for (let i = 0; i < template.length; ) {
    const character = template[i]!;
    PLACEHOLDER.lastIndex = i;
    const found = character === '<' ? PLACEHOLDER.exec(template) : null;
    if (found !== null) {
      text += replace(found[1]!, quoted);
      i = PLACEHOLDER.lastIndex;
      continue;
    }
    if (character === '\\' && quoted) {
      text += template.slice(i, i + 2);
      i += 2;
      continue;
    }
    if (character === '"') quoted = !quoted;
    text += character;
    i++;
  }
  return text;
}

/** "The keys cannot start with 'AWS'"; the predefined variables' own names, in small letters, "are reserved" as well. */
const RESERVED = /^AWS|^aws\.events\./;
const KNOWN_RESERVED = new Set([
  'aws.events.rule-arn',
  'aws.events.rule-name',
  'aws.events.event.ingestion-time',
  'aws.events.event',
  'aws.events.event.json',
]);

/** Refuses an input that cannot be made, when the target is put. */
export function checkInput(target: Target): void {
  const { Id, Input, InputPath, InputTransformer } = target;
  if ([Input, InputPath, InputTransformer].filter((one) => one !== undefined).length > 1) {
    throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`);
  }
  if (Input !== undefined && !isJson(Input)) throw invalid(`Invalid Input for target ${Id} : it is not valid JSON.`);
  if (InputPath !== undefined && parseJsonPath(InputPath) === undefined) {
    throw invalid(`Invalid InputPath for target ${Id}.`);
  }
  if (InputTransformer !== undefined) checkTransformer(Id, InputTransformer);
}

function checkTransformer(id: string, { InputPathsMap: paths = {}, InputTemplate: template }: Json): void {
  if (typeof template !== 'string') throw constraint('inputTemplate', id);
  // "Between 1 and 8192 characters"; "up to 100 variables".
  if (template.length < 1 || template.length > 8192) throw constraint('inputTemplate', id);
  if (Object.keys(paths).length > 100) throw constraint('inputPathsMap', id);
  for (const [name, path] of Object.entries(paths)) {
    if (RESERVED.test(name)) throw invalid(`Invalid InputPathsMap for target ${id} : ${name} is reserved.`);
    if (parseJsonPath(String(path)) === undefined) {
      throw invalid(`Invalid InputPathsMap for target ${id} : ${name} has no valid path.`);
    }
  }
  const lines = fill(template, (name, quoted) => {
    if (!Object.hasOwn(paths, name) && !KNOWN_RESERVED.has(name)) {
      throw invalid(`Invalid InputTemplate for target ${id} : <${name}> is not in InputPathsMap.`);
    }
    return quoted ? '' : '0';
  });
  if (isJson(lines)) return;
  // Several lines may each be a quoted text.
  if (!lines.split('\n').every((line) => line.trim() === '' || isJson(line))) {
    throw invalid(`Invalid InputTemplate for target ${id} : it is neither JSON nor quoted text.`);
  }
}

const constraint = (what: string, id: string) =>
  invalid(`1 validation error detected: Value at 'targets.${id}.inputTransformer.${what}' is out of its bounds`);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

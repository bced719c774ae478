import { type Json, ServiceError } from '../cloud.ts';
import { parsePath, valueAt } from './json-path.ts';

/** What the reserved variables stand for. */
export interface TemplateVariables {
  readonly 'aws.pipes.pipe-arn': string;
  readonly 'aws.pipes.pipe-name': string;
  readonly 'aws.pipes.source-arn': string;
  readonly 'aws.pipes.enrichment-arn': string;
  readonly 'aws.pipes.target-arn': string;
}

const RESERVED = new Set([
  'aws.pipes.pipe-arn',
  'aws.pipes.pipe-name',
  'aws.pipes.source-arn',
  'aws.pipes.enrichment-arn',
  'aws.pipes.target-arn',
  'aws.pipes.event.ingestion-time',
  'aws.pipes.event',
  'aws.pipes.event.json',
]);

type Part = string | { readonly read: (event: Json, at: number) => Json; readonly quoted: boolean };

/**
 * InputTemplate of an enrichment or a target, for one record. A template that is a JSON object or array must give JSON: a
 * variable between quotes becomes part of that string, one outside becomes a JSON value of its own. Any other template is
 * text. A path without a value is null, or nothing within a string.
 *
 * @example compileTemplate('{"id": "<$.eventID>", "keys": <$.dynamodb.Keys>}', variables)(record, Date.now())
 */
export function compileTemplate(template: string, variables: TemplateVariables): (event: Json, at: number) => Json {
  // "Input transformation template: maximum 8192 characters" (API reference, InputTemplate).
  if (template.length > 8192)
    throw new ServiceError('ValidationException', 'InputTemplate is longer than 8192 characters');
  const json = /^\s*[{[]/.test(template);
  const parts = split(template, variables);
  return (event, at) => {
    let text = '';
    for (const part of parts) {
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      const value = part.read(event, at);
      if (json && !part.quoted) text += JSON.stringify(value ?? null);
      else if (value !== undefined && value !== null) {
        const inner = typeof value === 'string' ? value : JSON.stringify(value);
        text += json ? JSON.stringify(inner).slice(1, -1) : inner;
      }
    }
    if (!json) return text;
    try {
      return JSON.parse(text);
    } catch {
      throw new ServiceError('ValidationException', 'The InputTemplate does not give valid JSON for this record');
    }
  };
}

function split(template: string, variables: TemplateVariables): Part[] {
  const parts: Part[] = [];
  let quoted = false;
  let text = '';
  for (let i = 0; i < template.length; i++) {
    const variable = /^<(\$[^>]*|aws\.pipes\.[^>]*)>/.exec(template.slice(i))?.[1];
    if (variable !== undefined) {
      parts.push(text, { read: reader(variable, variables), quoted });
      text = '';
      i += variable.length + 1;
      continue;
    }
    const character = template[i]!;
    text += character;
    if (character === '\\' && quoted) text += template[++i] ?? '';
    else if (character === '"') quoted = !quoted;
  }
  parts.push(text);
  return parts;
}

function reader(variable: string, variables: TemplateVariables): (event: Json, at: number) => Json {
  if (variable.startsWith('$')) {
    const path = parsePath(variable);
    return (event) => valueAt(event, path);
  }
  if (!RESERVED.has(variable)) throw new ServiceError('ValidationException', `The variable <${variable}> is not known`);
  // "<aws.pipes.event.ingestion-time>: the time at which the event was received … ISO 8601".
  if (variable === 'aws.pipes.event.ingestion-time') return (_event, at) => new Date(at).toISOString();
  if (variable === 'aws.pipes.event' || variable === 'aws.pipes.event.json') return (event) => event;
  const value = variables[variable as keyof TemplateVariables];
  return () => value;
}

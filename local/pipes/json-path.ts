import { type Json, ServiceError } from '../cloud.ts';

type Step = string | number;

/**
 * A path such as `$.dynamodb.Keys.Id.S`, `$['a b'].c` or `$.list[0]`: what pipes take in input templates and as dynamic
 * path parameters. Wildcards, filters and recursive descent are not paths here.
 */
export function parsePath(text: string): readonly Step[] {
  const steps: Step[] = [];
  const pattern = /\.([A-Za-z_$@-][\w$@-]*)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+)\]/y;
  pattern.lastIndex = 1;
  if (!text.startsWith('$')) throw invalidPath(text);
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw invalidPath(text);
    steps.push(match[4] === undefined ? (match[1] ?? match[2] ?? match[3])! : Number(match[4]));
  }
  return steps;
}

function invalidPath(text: string): ServiceError {
  return new ServiceError('ValidationException', `The JSON path ${text} is not supported`);
}

/**
 * The value at a path, or undefined. A Kinesis record's `data` and a message's `body` are read as the JSON that they hold:
 * "EventBridge Pipes supports implicit body parsing" (input transformation).
 */
export function valueAt(event: Json, path: readonly Step[]): Json {
  let value = event;
  for (const [index, step] of path.entries()) {
    if (value === null || typeof value !== 'object') return undefined;
    value = Object.hasOwn(value, step) ? value[step] : undefined;
    if (index === 0 && typeof value === 'string') value = readBody(event, step, value);
  }
  return value;
}

function readBody(event: Json, step: Step, text: string): Json {
  if (step === 'data' && event.eventSource === 'aws:kinesis')
    return parsed(Buffer.from(text, 'base64').toString('utf8'));
  if (step === 'body' && event.eventSource === 'aws:sqs') return parsed(text);
  return text;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A parameter that is either a path (`$.aggregate`) or a value as it stands. */
export function dynamicText(parameter: string): (event: Json) => string {
  if (!parameter.startsWith('$.') && !parameter.startsWith('$[')) return () => parameter;
  const path = parsePath(parameter);
  return (event) => {
    const value = valueAt(event, path);
    if (value === undefined || value === null) {
      throw new ServiceError('ValidationException', `The path ${parameter} has no value in the event`);
    }
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
}

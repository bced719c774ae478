import { type Json, ServiceError } from '../../cloud.ts';
import { compilePattern } from '../../eventbridge/pattern.ts';
import { serviceOf } from '../destination.ts';

/**
 * FilterCriteria of a mapping or a pipe: a record passes when one of the patterns matches, and every record passes when
 * there is none. A Kinesis record's data and a queue message's body are matched as JSON, decoded; one that is not JSON
 * passes no pattern on it ("Filter criteria syntax": "If the body property … isn't in the expected format, Lambda drops it").
 */
export function compileFilter(sourceArn: string, criteria: Json): (event: Json) => boolean {
  const filters: Json[] = criteria?.Filters ?? [];
  if (filters.length === 0) return () => true;
  // "You can define up to five different filters for a single event source" (ten on request).
  if (filters.length > 10) {
    throw new ServiceError('InvalidParameterValueException', 'FilterCriteria holds more than 10 filters');
  }
  const patterns = filters.map((filter) => compilePattern(filter.Pattern));
  const service = serviceOf(sourceArn);
  return (event) => {
    const view = service === 'kinesis' ? kinesisView(event) : service === 'sqs' ? queueView(event) : event;
    return patterns.some((matches) => matches(view));
  };
}

/** Both shapes of a Kinesis record: Lambda's patterns name `data` and `partitionKey` without the `kinesis` around them. */
function kinesisView(event: Json): Json {
  const inner = event.kinesis ?? event;
  return { ...event, ...inner, data: parsed(Buffer.from(inner.data, 'base64').toString('utf8')) };
}

function queueView(event: Json): Json {
  return { ...event, body: parsed(event.body) };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

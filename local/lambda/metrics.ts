import type { Json } from '../cloud.ts';

/** What was measured under one name and one set of dimensions. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** How many values came in. */
  readonly samples: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly last: number;
  /** When the last one came, epoch milliseconds. */
  readonly at: number;
}

export interface MetricStore {
  put(value: {
    namespace: string;
    name: string;
    value: number;
    at: number;
    unit?: string;
    dimensions?: Record<string, string>;
  }): void;
  /** Takes the metrics out of a log line in CloudWatch's embedded metric format; false for any other line. */
  takeLine(line: string, at: number): boolean;
  all(): readonly Metric[];
  /** The sum over every dimension set that contains `dimensions`; 0 when nothing was measured. */
  sum(name: string, dimensions?: Record<string, string>): number;
}

/** A small memory of metrics: sums and counts, no time series. */
export function createMetricStore(): MetricStore {
  const metrics = new Map<string, { -readonly [K in keyof Metric]: Metric[K] }>();
  const put: MetricStore['put'] = ({ namespace, name, value, at, unit = 'None', dimensions = {} }) => {
    const names = Object.keys(dimensions);
    if (names.length > 1) names.sort();
    let key = `${namespace}\n${name}`;
    for (const dimension of names) key += `\n${dimension}\n${dimensions[dimension]}`;
    const metric = metrics.get(key);
    if (metric === undefined) {
      metrics.set(key, {
        namespace,
        name,
        unit,
        dimensions,
        samples: 1,
        sum: value,
        min: value,
        max: value,
        last: value,
        at,
      });
      return;
    }
    metric.unit = unit;
    metric.samples += 1;
    metric.sum += value;
    metric.min = Math.min(metric.min, value);
    metric.max = Math.max(metric.max, value);
    metric.last = value;
    metric.at = at;
  };
  return {
    put,
    takeLine(line, at) {
      const entries = parseEmbeddedMetrics(line);
      for (const entry of entries) put({ ...entry, at });
      return entries.length > 0;
    },
    all: () => Array.from(metrics.values(), (metric) => ({ ...metric })),
    sum(name, dimensions = {}) {
      let sum = 0;
      for (const metric of metrics.values()) {
        if (metric.name !== name) continue;
        if (Object.entries(dimensions).every(([key, value]) => metric.dimensions[key] === value)) sum += metric.sum;
      }
      return sum;
    },
  };
}

interface EmbeddedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly dimensions: Record<string, string>;
}

/**
 * "CloudWatch embedded metric format specification": `_aws.CloudWatchMetrics` lists directives; each metric's value, a
 * number or an array of numbers, and each dimension's value are members of the root.
 */
function parseEmbeddedMetrics(line: string): EmbeddedMetric[] {
  const start = line.indexOf('{');
  if (start < 0 || !line.includes('"CloudWatchMetrics"')) return [];
  let root: Json;
  try {
    root = JSON.parse(line.slice(start));
  } catch {
    return [];
  }
  const found: EmbeddedMetric[] = [];
  const directives: Json = root?._aws?.CloudWatchMetrics;
  if (!Array.isArray(directives)) return [];
  for (const directive of directives) {
    // No dimension set at all still means one metric, without dimensions.
    const sets: Json[] = directive.Dimensions?.length > 0 ? directive.Dimensions : [[]];
    for (const metric of directive.Metrics ?? []) {
      const values = Array.isArray(root[metric.Name]) ? root[metric.Name] : [root[metric.Name]];
      for (const set of sets) {
        const dimensions = Object.fromEntries(set.map((dimension: string) => [dimension, String(root[dimension])]));
        for (const value of values) {
          if (typeof value !== 'number') continue;
          const unit = metric.Unit ?? 'None';
          found.push({ namespace: directive.Namespace, name: metric.Name, value, unit, dimensions });
        }
      }
    }
  }
  return found;
}

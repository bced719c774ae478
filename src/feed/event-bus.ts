/** One event on its way to a bus. */
export interface BusEvent {
  /** The event's type. */
  readonly detailType: string;
  /** JSON text. */
  readonly detail: string;
  /** X-Ray's, when the event's metadata hold a trace context. */
  readonly traceHeader?: string;
}

export interface BusRefusal {
  /** The bus's own code, such as `ThrottlingException`. */
  readonly reason: string;
}

/** The port to the bus. Its limits belong to the bus, not to the publisher. */
export interface EventBus {
  /** How many events a call takes. */
  readonly maxEvents: number;
  /** How many bytes of `detailType`, `detail` and source a call takes, and so an event. */
  readonly maxBytes: number;
  /** An answer for each event, in order: undefined for one that was taken. */
  put(events: readonly BusEvent[]): Promise<readonly (BusRefusal | undefined)[]>;
}

/** `Source` of every bus event. */
export const BUS_SOURCE = 'daybook';

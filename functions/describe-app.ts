import app from 'daybook:app';
import { describeEvents, type EventDescription } from '../src/archive/describe-events.ts';

/** The app's events as data. Asked when a stack is synthesized, for its tables and views; never deployed. */
export const handler = (): readonly EventDescription[] => describeEvents(app);

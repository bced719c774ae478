/** What the simulation drives: the real handlers and the consumer kit, bundled so that a bug can be planted at load. */
export { createFeedToBus } from '../../functions/feed-to-bus.ts';
export { createFeedToConfirmed } from '../../functions/feed-to-confirmed.ts';
export { createReconcileFeed } from '../../functions/reconcile-feed.ts';
export { createTableToFeed } from '../../functions/table-to-feed.ts';
export { consumeEvents } from '../../src/feed/consume/consume-events.ts';

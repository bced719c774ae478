import { defineAggregate, defineApp, defineEvent, defineProjection } from 'daybook';

const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  data: { type: 'object', properties: { total: { type: 'integer' } }, required: ['total'] },
});

export const Order = defineAggregate({
  type: 'Order',
  events: [OrderPlaced],
  initialState: () => ({ total: 0 }),
  evolve: (state, event) => ({ total: state.total + event.data.total }),
});

export const totals = defineProjection({
  name: 'totals',
  version: 1,
  aggregate: Order,
  initialState: () => ({ total: 0 }),
  evolve: (state, event) => ({ total: state.total + event.data.total }),
});

export default defineApp({ name: 'shop', aggregates: [Order], projections: [totals] });

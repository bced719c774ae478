import { defineApp } from 'daybook';
import { Account } from './account.ts';
import { balances, monthlyStatement, movementsByMonth, overdrafts } from './projections.ts';

export default defineApp({
  name: 'bank',
  aggregates: [Account],
  projections: [balances, monthlyStatement, movementsByMonth, overdrafts],
});

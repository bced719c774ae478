import { defineApp } from 'daybook';
import { Account } from './account.ts';
import { balances, monthlyStatement } from './projections.ts';

export default defineApp({ name: 'bank', aggregates: [Account], projections: [balances, monthlyStatement] });

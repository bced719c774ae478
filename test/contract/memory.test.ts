import { memoryEventTable, memorySnapshots } from '../../src/testing/index.ts';
import { eventStoreContract } from './event-store-contract.ts';
import { eventTableContract } from './event-table-contract.ts';

eventTableContract('memory', async () => memoryEventTable());
eventTableContract('memory, three events a page', async () => memoryEventTable({ pageSize: 3 }));

eventStoreContract('memory', async () => ({ table: memoryEventTable(), snapshots: memorySnapshots() }));
eventStoreContract('memory with half visible transactions', async () => ({
  table: memoryEventTable({ pageSize: 4, halfVisible: 3 }),
  snapshots: memorySnapshots(),
}));

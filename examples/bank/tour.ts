import { parseArgs } from 'node:util';
import { type Bank, openBank } from './tour/bank.ts';
import { followFirstEvent } from './tour/first-event.ts';
import { narrator } from './tour/narrator.ts';
import { askSql, replayBalances, reportOfRange, showDecisions, showFlow } from './tour/scenes.ts';
import { bobsTwoEvents, carolOverdraws, everybodyElse, renameTwice } from './traffic.ts';

const SEED = 20261116;
const { values: flags } = parseArgs({ options: { once: { type: 'boolean' }, port: { type: 'string' } } });
const tell = narrator();

async function tour(bank: Bank): Promise<void> {
  tell.scene('The way of one event');
  await followFirstEvent(bank, tell);

  tell.scene('A day of traffic');
  await bobsTwoEvents(bank.store);
  tell.line('Bob deposits 100.00 on Monday and withdraws 50.00 on Tuesday.');
  const conflict = await renameTwice(bank.store);
  tell.line('Two requests rename the same person, to Alex and to Alexander. The second is told:');
  tell.quote(conflict.message);
  await carolOverdraws(bank.store);
  tell.line('Carol deposits 20.00 and withdraws 30.00.');
  tell.line(`20 other customers append ${await everybodyElse(bank.store, SEED)} events, all at once.`);
  await showFlow(bank, tell);

  tell.scene('What the fee service decided, from a bus that promises no order');
  await showDecisions(bank, tell);

  tell.scene('Cold storage, asked with SQL');
  await askSql(bank, tell);

  tell.scene('Replay: balances built anew by the state machine, beside live traffic');
  await replayBalances(bank, tell);
  tell.scene('Replay: a report over a range of versions and one of times');
  await reportOfRange(bank, tell);
}

async function main(): Promise<void> {
  const bank = await openBank(tell, flags.port === undefined ? {} : { port: Number(flags.port) });
  try {
    await tour(bank);
    tell.done();
    if (flags.once) return;
    tell.invite(bank.endpoint);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
  } finally {
    await bank.close();
  }
}

main().catch((error: unknown) => {
  tell.failed(error);
  process.exitCode = 1;
});

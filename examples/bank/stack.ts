import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Daybook } from 'daybook/cdk';
import { FeeService } from './fee-service.stack.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The bank: its event store, and a service that subscribes to it. */
export class BankStack extends Stack {
  readonly daybook: Daybook;

  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    this.daybook = new Daybook(this, 'Daybook', { app: join(here, 'app.ts') });
    new FeeService(this, 'FeeService', { daybook: this.daybook });
  }
}

import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { Daybook } from 'daybook/cdk';

const app = new App();
new Daybook(new Stack(app, 'Plain'), 'Daybook');
const shop = new Stack(app, 'Shop');
const daybook = new Daybook(shop, 'Daybook', { app: join(import.meta.dirname, 'shop.ts') });
new Rule(shop, 'OnOrder', { eventBus: daybook.bus, eventPattern: { detailType: ['OrderPlaced'] } });

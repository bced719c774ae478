import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Daybook } from 'daybook/cdk';

const app = new App();
const stack = new Stack(app, 'GitHistory', { description: 'The history of a git repository on Daybook' });
new Daybook(stack, 'Daybook', { app: join(dirname(fileURLToPath(import.meta.url)), 'app.ts') });

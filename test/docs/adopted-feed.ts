import { App, Stack } from 'aws-cdk-lib';
import { Daybook } from 'daybook/cdk';

const app = new App();
// A table that has events already: what is there is past, what is appended from now on is delivered.
const adopted = new Stack(app, 'Adopted');
new Daybook(adopted, 'Daybook', { feed: { from: 'now' } });

// A new feed that goes on where another was: its name is that stack's output FeedName.
const recreated = new Stack(app, 'Recreated');
new Daybook(recreated, 'Daybook', { feed: { generation: 2, from: 'Bank-DaybookFeedStream1-9XkQ2' } });

export { adopted, recreated };

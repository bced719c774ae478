import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';

// A user's CDK app, as small as it gets: for the tests of `daybook dev`.
const app = new App();
const stack = new Stack(app, 'Small');
const table = new Table(stack, 'Things', { partitionKey: { name: 'id', type: AttributeType.STRING } });
new CfnOutput(stack, 'TableName', { value: table.tableName });

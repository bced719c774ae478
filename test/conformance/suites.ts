import { dynamodb } from './dynamodb/suite.ts';
import { states } from './states/suite.ts';
import type { Suite } from './suite.ts';

export const SUITES: readonly Suite[] = [dynamodb, states];

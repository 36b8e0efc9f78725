/**
 * Declared certificates, from an empty account: `cdk deploy` makes them. The stack runs on a local AWS of its own with IAM on,
 * and the tests deploy and change it in the order of this file.
 */
import { beforeAll, describe } from 'vitest';
import { bootstrap } from '../../testkit/local-aws/stack.ts';
import { describeWith } from '../support/local.ts';
import { itIsAltered } from './declared/altered.ts';
import { itIsDeclaredByHand } from './declared/by-hand.ts';
import { itChanges } from './declared/changed.ts';
import { itIsThere } from './declared/first.ts';
import { itIsInTheWay } from './declared/in-the-way.ts';
import { itLeavesNoKey } from './declared/traces.ts';
import { itIsUndeclared } from './declared/undeclared.ts';
import { declaredWorld } from './declared/world.ts';

describeWith(['stack', 'step-ca'], 'declared certificates', ({ stack }) => {
  const world = declaredWorld(stack);

  describe('a first deployment', () => {
    beforeAll(async () => {
      await bootstrap(world.emulator);
      await world.deployStack('first/declared');
    });
    itIsThere(world);
  });
  describe('a deployment of changed declarations', () => itChanges(world));
  describe('a declaration that is removed', () => itIsUndeclared(world));
  describe('another stack, and the command line', () => itIsDeclaredByHand(world));
  describe('a declaration that is altered outside of the deployment', () => itIsAltered(world));
  describe('a deployment with a certificate that can not be issued', () => itIsInTheWay(world));
  describe('no private key is left', () => itLeavesNoKey(world));
});

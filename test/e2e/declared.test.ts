/**
 * Declared certificates, from an empty account: `cdk deploy`, and they are there. One stack on a local AWS of its own, which IAM guards,
 * deployed and changed in the order of this file.
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
  describe('a deployment of other declarations', () => itChanges(world));
  describe('a declaration that is taken away', () => itIsUndeclared(world));
  describe('another stack, and by hand', () => itIsDeclaredByHand(world));
  describe('a declaration that is altered behind the back of the deployment', () => itIsAltered(world));
  describe('what is in the way', () => itIsInTheWay(world));
  describe('no key', () => itLeavesNoKey(world));
});

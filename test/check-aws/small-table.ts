/** In the place of scripts/check-aws/table.ts: one group that makes a secret and a queue, and then waits until it is interrupted. */
import { type Group, group } from '../../scripts/check-aws/group.ts';
import { asDocumented } from '../../scripts/check-aws/outcome.ts';
import { queue, secret } from '../../scripts/check-aws/resources.ts';

const waiting = group({
  makes: [
    { kind: 'secret', part: 'waiting' },
    { kind: 'queue', part: 'waiting' },
  ],
  setUp: async (room) => {
    await secret(room, 'waiting', { SecretString: 'x' });
    await queue(room, 'waiting');
  },
  behaviours: [
    { line: '1.3', says: 'all is made', observe: async () => asDocumented() },
    {
      line: '1.4',
      says: 'a closed pipe is noticed by this line',
      observe: async (room) => {
        await room.pause(300);
        return asDocumented();
      },
    },
    {
      line: '4.2',
      says: 'it waits',
      observe: async (room) => {
        await room.pause(100_000);
        return asDocumented();
      },
    },
  ],
});

export const groups: readonly Group[] = [waiting];

/** `npm run check-aws` removes or names everything that it has made. */
import { describe, expect, it } from 'vitest';
import { Room } from '../../scripts/check-aws/room.ts';
import { groups } from '../../scripts/check-aws/table.ts';
import { Trail } from '../../scripts/check-aws/trail.ts';

const thrown = (name: string, message = 'no'): Error => Object.assign(new Error(message), { name });

describe('the trail', () => {
  it('removes the last first, and each once', async () => {
    const trail = new Trail();
    const gone: string[] = [];
    for (const what of ['first', 'second']) trail.add(what, async () => gone.push(what));
    expect(await trail.undo(0)).toEqual([]);
    expect(await trail.undo(0)).toEqual([]);
    expect(gone).toEqual(['second', 'first']);
  });

  it('tries again, because AWS learns late that a dependency was deleted', async () => {
    const trail = new Trail();
    let tries = 0;
    trail.add('role', async () => {
      tries += 1;
      if (tries < 3) throw thrown('DeleteConflictException');
    });
    expect(await trail.undo(0)).toEqual([]);
    expect(tries).toBe(3);
  });

  it('names what stays, and removes the rest', async () => {
    const trail = new Trail();
    const gone: string[] = [];
    trail.add('queue', async () => gone.push('queue'));
    trail.add('role', async () => {
      throw thrown('AccessDenied', 'not allowed');
    });
    expect(await trail.undo(0)).toEqual([{ what: 'role', why: 'AccessDenied: not allowed' }]);
    expect(gone).toEqual(['queue']);
  });

  it.each([
    thrown('ResourceNotFoundException'),
    thrown('NoSuchEntityException'),
    thrown('QueueDoesNotExist'),
    thrown('AWS.SimpleQueueService.NonExistentQueue'),
    thrown('ValidationError', 'Stack with id x does not exist'),
  ])('takes a missing thing as removed: $name', async (error) => {
    const trail = new Trail();
    trail.add('it', () => Promise.reject(error));
    expect(await trail.undo(0)).toEqual([]);
  });
});

describe('a first "not there"', () => {
  it('is believed at the second time only: AWS learns late of new things too', async () => {
    const trail = new Trail();
    let looks = 0;
    let isThere = true;
    trail.add('role', async () => {
      looks += 1;
      if (looks === 1) throw thrown('NoSuchEntityException');
      isThere = false;
    });
    expect(await trail.undo(0)).toEqual([]);
    expect(isThere).toBe(false);
  });
});

describe('a room', () => {
  const roomOf = (interruption: AbortController) =>
    new Room({
      account: { id: '0', region: 'us-east-1', secondRegion: 'us-west-2', partition: 'aws', caller: '' },
      options: { email: undefined, instanceTag: undefined, patience: 0.001 },
      prefix: 'check',
      makes: [{ kind: 'queue', part: 'told' }],
      signal: interruption.signal,
      ask: async () => '',
    });
  const interruption = new AbortController();
  const room = roomOf(interruption);
  const make = (part: string) =>
    room.make(
      'queue',
      part,
      (name) => Promise.reject(thrown(name)),
      async () => {},
    );

  it('makes nothing that was not announced', async () => {
    await expect(make('other')).rejects.toThrow('was not announced');
    await expect(make('told')).rejects.toThrow(expect.objectContaining({ name: 'check-told' }));
  });

  it('records how to remove a thing before it makes it, because the answer may be lost', async () => {
    let gone = '';
    const undo = async (name: string) => {
      gone = name;
    };
    await room.make('queue', 'told', () => Promise.reject(thrown('TimeoutError')), undo).catch(() => {});
    await room.trail.undo(0);
    expect(gone).toBe('check-told');
  });

  it('makes nothing and waits for nothing after Ctrl-C', async () => {
    interruption.abort();
    await expect(make('told')).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await expect(room.pause(60_000)).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it('removes a thing whose creation had not finished when another failed', async () => {
    const own = roomOf(new AbortController());
    const there = new Set<string>();
    const slow = own.make(
      'queue',
      'told',
      async (name) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        there.add(name);
        return name;
      },
      async (_, made) => there.delete(made ?? ''),
    );
    expect(await own.trail.undo(0)).toEqual([]);
    await slow;
    expect([...there]).toEqual([]);
  });
});

describe('the table', () => {
  it('has each number and each name once', () => {
    const lines = groups.flatMap(({ behaviours }) => behaviours.map(({ line }) => line));
    expect(new Set(lines).size).toBe(lines.length);
    groups.forEach(({ behaviours }, index) => {
      expect(behaviours.map(({ line }) => line)).toEqual(behaviours.map((_, place) => `${index + 1}.${place + 1}`));
    });
    const made = groups.flatMap(({ makes }) => makes.map(({ kind, part }) => `${kind} ${part}`));
    expect(new Set(made).size).toBe(made.length);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Bundle, hashOfInputs, keptOrBuilt } from '../../cdk/functions/bundle-cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cert-renewer-bundle-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the hash of a bundle’s sources', () => {
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
  const hash = (settings: unknown = ['0.1.0', { minify: true }]) =>
    hashOfInputs(folder, 'src', ['lock.json', 'tsconfig.json'], settings);

  beforeEach(() => {
    mkdirSync(join(folder, 'src', 'room'), { recursive: true });
    write('src/a.ts', 'a');
    write('src/room/b.ts', 'b');
    write('lock.json', '{}');
    write('tsconfig.json', '{}');
  });

  it('is the same for the same sources', () => {
    const before = hash();
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    write('src/a.ts', 'a');
    write('elsewhere.ts', 'x');
    expect(hash()).toBe(before);
  });

  it.each<[what: string, change: () => void]>([
    ['a changed source', () => write('src/room/b.ts', 'B')],
    ['a new source', () => write('src/room/c.ts', '')],
    ['a source that is gone', () => rmSync(join(folder, 'src/a.ts'))],
    [
      'a source by another name',
      () => {
        rmSync(join(folder, 'src/a.ts'));
        write('src/z.ts', 'a');
      },
    ],
    ['text that moved from one source to another', () => ['src/a.ts', 'src/room/b.ts'].map((path) => write(path, ''))],
    ['other packages', () => write('lock.json', '{"a":1}')],
    ['another tsconfig.json', () => write('tsconfig.json', '{"a":1}')],
  ])('differs for %s', (_, change) => {
    const before = hash();
    change();
    expect(hash()).toBeDefined();
    expect(hash()).not.toBe(before);
  });

  it('differs for another esbuild, or another option of it', () => {
    const all = [hash(), hash(['0.2.0', { minify: true }]), hash(['0.1.0', { minify: false }])];
    expect(new Set(all).size).toBe(3);
  });

  it('is unknown if the installed packages are unknown', () => {
    rmSync(join(folder, 'lock.json'));
    expect(hash()).toBeUndefined();
  });
});

describe('a bundle', () => {
  const made = (text = 'code'): Bundle =>
    new Map([
      ['renew.mjs', Buffer.from(text)],
      ['renew.mjs.map', Buffer.from('map')],
    ]);
  const cache = () => join(folder, 'bundles');
  const builder = (bundle = made()) => vi.fn(() => bundle);
  const ask = (build: () => Bundle, hash = 'h1') => keptOrBuilt(cache(), () => hash, 'renew.ts', build);
  const texts = (bundle: Bundle) => [...bundle].map(([name, contents]) => [name, Buffer.from(contents).toString()]);

  it('is built once, and then unchanged', () => {
    const build = builder();
    expect(texts(ask(build))).toEqual(texts(made()));
    expect(texts(ask(build))).toEqual(texts(made()));
    expect(build).toHaveBeenCalledTimes(1);
  });

  it('with other contents is another', () => {
    ask(builder());
    expect(texts(ask(builder(made('other')), 'h2'))).toEqual(texts(made('other')));
    expect(texts(ask(builder(made('never'))))).toEqual(texts(made()));
  });

  it.each<[what: string, damage: (kept: string) => void]>([
    ['lacks a file', (kept) => rmSync(join(kept, 'renew.mjs.map'))],
    ['has a part of a file', (kept) => writeFileSync(join(kept, 'renew.mjs'), 'co')],
    ['does not say what it has', (kept) => rmSync(join(kept, 'files.json'))],
    ['says so by half', (kept) => writeFileSync(join(kept, 'files.json'), '{"renew.mjs": "')],
  ])('that %s is built again, completely', (_, damage) => {
    ask(builder());
    damage(join(cache(), 'h1', 'renew.ts'));
    const build = builder();
    expect(texts(ask(build))).toEqual(texts(made()));
    expect(texts(ask(build))).toEqual(texts(made()));
    expect(build).toHaveBeenCalledTimes(1);
  });

  it('that a killed process left incomplete is neither used nor in the way', () => {
    mkdirSync(join(cache(), 'h1', 'renew.ts.unfinished-abc'), { recursive: true });
    writeFileSync(join(cache(), 'h1', 'renew.ts.unfinished-abc', 'renew.mjs'), 'co');
    const build = builder();
    expect([texts(ask(build)), texts(ask(build))]).toEqual([texts(made()), texts(made())]);
    expect(build).toHaveBeenCalledTimes(1);
  });

  it('that two processes build at once is complete for both, and for later ones', () => {
    const other = builder();
    const slower = vi.fn(() => {
      ask(other); // which started later, and ends earlier
      return made();
    });
    expect(texts(ask(slower))).toEqual(texts(made()));
    const later = builder(made('never'));
    expect(texts(ask(later))).toEqual(texts(made()));
    expect([slower, other, later].map((build) => build.mock.calls.length)).toEqual([1, 1, 0]);
    expect(readdirSync(join(cache(), 'h1'))).toEqual(['renew.ts']);
  });

  it('that was not used for a day is deleted when another is made', () => {
    const age = (hash: string, hours: number) => {
      const then = new Date(Date.now() - hours * 3_600_000);
      utimesSync(join(cache(), hash), then, then);
    };
    for (const hash of ['unused', 'used', 'young']) ask(builder(), hash);
    for (const [hash, hours] of [
      ['unused', 25],
      ['used', 25],
      ['young', 23],
    ] as const) {
      age(hash, hours);
    }
    ask(builder(made('never')), 'used');
    expect(Date.now() - statSync(join(cache(), 'used')).mtimeMs).toBeLessThan(3_600_000);
    ask(builder(), 'new');
    expect(readdirSync(cache()).sort()).toEqual(['new', 'used', 'young']);
  });

  it('whose sources changed during the build is not used for either version', () => {
    let now = 'h1';
    const edited = vi.fn(() => {
      now = 'h2';
      return made('of both');
    });
    expect(texts(keptOrBuilt(cache(), () => now, 'renew.ts', edited))).toEqual(texts(made('of both')));
    for (const hash of ['h1', 'h2']) {
      const build = builder();
      ask(build, hash);
      expect(build).toHaveBeenCalledTimes(1);
    }
  });

  it('is built each time if the installed packages are unknown', () => {
    const build = builder();
    for (let time = 0; time < 2; time++) keptOrBuilt(cache(), () => undefined, 'renew.ts', build);
    expect(build).toHaveBeenCalledTimes(2);
  });

  it('works if it can’t be kept', () => {
    writeFileSync(cache(), 'a file where the folder should be');
    const build = builder();
    expect([texts(ask(build)), texts(ask(build))]).toEqual([texts(made()), texts(made())]);
    expect(build).toHaveBeenCalledTimes(2);
  });
});

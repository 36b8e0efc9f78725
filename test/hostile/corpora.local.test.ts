/** zlint's certificates, one for each fault. `npm run corpora` adds those of pyca and NIST, which are a longer download. */
import { expect, it } from 'vitest';
import { readCorpus } from '../../testkit/hostile/corpora.ts';
import { zlintCorpus } from '../../testkit/tools/corpora.ts';
import { describeFound } from '../support/local.ts';

const corpus = await zlintCorpus();

describeFound([corpus], 'zlint', () => {
  it('each is parsed or rejected with a typed error, within a second', async () => {
    if (!corpus.found) throw new Error(corpus.message);
    const { lost, files, certificates, refused } = await readCorpus(corpus.path);
    expect(lost).toEqual([]);
    expect(files).toBeGreaterThan(1_300);
    expect(certificates).toBeGreaterThan(1_000);
    expect(refused).toBeGreaterThan(100);
  }, 120_000);
});

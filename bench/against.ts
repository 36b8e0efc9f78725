/**
 * `npm run bench:against -- <commit> [--rounds N] [--only <words>]` measures this working tree and another commit in turns, in one
 * run. It marks each figure of cost or time that is more than a twentieth worse. With HEAD on a clean tree it shows
 * the machine's noise. The other commit's functions must read the environment and the events of today.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { progress, projectRoot } from '../testkit/tools/cache.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { type Compared, measurements } from './measurements.ts';
import { comparison, isWorse, Turns, tolerated } from './pairs.ts';
import { type Scene, setScene } from './scene.ts';
import { bundled, filesOf, type Version } from './versions.ts';

const options = { rounds: { type: 'string', default: '10' }, only: { type: 'string', default: '' } } as const;
const { values: given, positionals } = parseArgs({ options, allowPositionals: true });
const [commit] = positionals;
const rounds = Number(given.rounds);
if (commit === undefined || !Number.isInteger(rounds) || rounds < 1)
  throw new Error('expected <commit> [--rounds <whole number>] [--only <words of what is measured>]');

const { path: folder, remove } = await temporaryFolder('against');
progress('setting up step-ca and the local AWS');
const scene = await setScene({ stepRuns: 0, differentLeaves: 300 });
try {
  progress(`bundling ${commit} and the working tree`);
  const before = await bundled(await filesOf(commit), join(folder, 'before'));
  const after = await bundled(projectRoot, join(folder, 'after'));
  const turns = new Turns(compared(scene, before), compared(scene, after));
  const names = [...after.functions.keys()].filter((name) => before.functions.has(name));
  const chosen = measurements(names).filter(({ name }) => name.includes(given.only));
  if (chosen.length === 0) throw new Error(`nothing that is measured has "${given.only}" in its name`);
  for (let round = 1; round <= rounds; round++) {
    for (const each of chosen) {
      const pairs = each.pairs > 0 ? each.pairs : Number(round === 1);
      if (pairs > 0) progress(`round ${round} of ${rounds}: ${each.name}`);
      for (let pair = 0; pair < pairs; pair++) await turns.take(each);
    }
  }
  const worse = turns.pairs.filter(isWorse);
  process.stdout.write(
    `${comparison(turns.pairs)}\n\n${worse.length} of ${turns.pairs.length} more than ${tolerated} ×\n`,
  );
} finally {
  await scene.close();
  await remove();
}

/** Returns the scene with the functions of a version. */
function compared(of: Scene, version: Version): Compared {
  const module = (name: string): string => {
    const found = version.functions.get(name);
    if (found === undefined) throw new Error(`${version.root} has no function ${name}`);
    return found;
  };
  const bundles = {
    ...of.bundles,
    renew: module('renew'),
    scan: module('scan'),
    inventory: module('show-inventory'),
    'ca-api': module('ca-api'),
    'run-command': module('run-command'),
  };
  return { version, module, scene: { ...of, bundles } };
}

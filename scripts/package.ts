/**
 * `npm run package` builds the published files into dist/; `npm pack` runs it first (prepack). They are the JavaScript of the construct, the
 * app and the command line, type declarations, the bundled functions with their digests, and the notices of bundled packages.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectRoot } from '../testkit/tools/cache.ts';
import { buildCode } from './package/code.ts';
import { buildLambdas } from './package/lambdas.ts';
import { noticesOf, packagesOf } from './package/notices.ts';
import { buildTypes } from './package/types.ts';

const dist = join(projectRoot, 'dist');
// On stderr, because the stdout of a script is part of the output of `npm pack --json`.
const say = (text: string): void => void process.stderr.write(`· ${text}\n`);

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
say('the Lambdas');
const lambdas = buildLambdas(join(dist, 'lambdas'));
say('the construct, the app and the command line');
const code = await buildCode(dist);
cpSync(join(projectRoot, 'cli/files/report'), join(dist, 'report'), { recursive: true });
say('declarations');
await buildTypes(dist);
const inputs = [...lambdas, ...code];
writeFileSync(join(dist, 'NOTICES.txt'), noticesOf(packagesOf(inputs)));
say(`built: ${relative(process.cwd(), dist) || '.'}`);

import { generateKey } from '../../lambdas/keys/generate.ts';
import { signerSuite } from './signer.ts';

signerSuite('a key at hand', (spec) => generateKey(spec), 'local');

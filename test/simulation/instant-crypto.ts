/**
 * Has what node:crypto does in threads done at once, so that the order of things is the seed's and not the machine's. It
 * has to be imported before the product is: util.promisify takes the functions as they are then.
 */
import crypto, { type KeyObject, type KeyPairKeyObjectResult } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';

/** Of the kinds that take long to make a few are made, and given again and again. */
const poolSize = 6;
const pools = new Map<string, { readonly keys: KeyPairKeyObjectResult[]; given: number }>();

interface KeyOptions {
  readonly namedCurve?: string;
  readonly modulusLength?: number;
}

export function keyPair(kind: string, options: KeyOptions = {}): KeyPairKeyObjectResult {
  if (kind === 'ed25519') return crypto.generateKeyPairSync('ed25519');
  const { namedCurve = '', modulusLength = 0 } = options;
  const make = (): KeyPairKeyObjectResult =>
    kind === 'rsa'
      ? crypto.generateKeyPairSync('rsa', { modulusLength })
      : crypto.generateKeyPairSync('ec', { namedCurve });
  if (namedCurve === 'P-256' || namedCurve === 'prime256v1') return make();
  const name = `${kind} ${namedCurve}${modulusLength}`;
  const pool = pools.get(name) ?? { keys: [], given: 0 };
  pools.set(name, pool);
  if (pool.keys.length < poolSize) pool.keys.push(make());
  return pool.keys[pool.given++ % pool.keys.length] ?? make();
}

type Callback<T> = (error: Error | null, result?: T) => void;

/** A function with a callback as its last argument, of one that has its result at once. */
function atOnce<Args extends unknown[], T>(work: (...args: Args) => T) {
  return (...given: [...Args, Callback<T>]) => {
    const callback = given.pop() as Callback<T>;
    const args = given as unknown[] as Args;
    try {
      callback(null, work(...args));
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

const { sign, pbkdf2Sync, scryptSync } = crypto;
type SignArgs = [string | null, Uint8Array, KeyObject];
const signInThread = atOnce((...args: SignArgs) => sign(...args));

Object.assign(crypto, {
  generateKeyPair: Object.assign(() => undefined, {
    [promisify.custom]: async (kind: string, options?: KeyOptions) => keyPair(kind, options),
  }),
  sign: (...args: SignArgs | [...SignArgs, Callback<Buffer>]) =>
    args.length === 4 ? signInThread(...args) : sign(...args),
  pbkdf2: atOnce(pbkdf2Sync),
  scrypt: atOnce(scryptSync),
});
syncBuiltinESMExports();

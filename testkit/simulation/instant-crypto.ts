/**
 * Makes the asynchronous functions of node:crypto synchronous, so that the seed decides on the order of events and not the machine.
 * It also caches results, because a simulation reads the same certificates and keys often. It
 * must be imported before the product, because util.promisify keeps the functions of that moment.
 */
import crypto, { type KeyObject, type KeyPairKeyObjectResult } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';

/** The number of keys of a slow kind. They are reused. The number is prime, so that secrets in turn do not get their old key again. */
const poolSize = 17;
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

/** Turns a synchronous function into one with a callback as its last argument. */
function withCallback<Args extends unknown[], T>(work: (...args: Args) => T, args: Args, callback: Callback<T>): void {
  let result: T;
  try {
    result = work(...args);
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  callback(null, result);
}

const most = 4_000;

/** Caches a function's results by `nameOf` of its arguments. A result with the name undefined is not cached. */
function kept<Args extends unknown[], T>(work: (...args: Args) => T, nameOf: (...args: Args) => string | undefined) {
  const known = new Map<string, T>();
  return (...args: Args): T => {
    const name = nameOf(...args);
    if (name === undefined) return work(...args);
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= most) known.clear();
    const made = work(...args);
    known.set(name, made);
    return made;
  };
}

const latin1 = (bytes: unknown): string | undefined => {
  if (typeof bytes === 'string') return bytes;
  return bytes instanceof Uint8Array
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    : undefined;
};

/** A key in PEM or DER. */
function keyName(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('key' in input)) return latin1(input);
  const text = latin1(input.key);
  const { format, type, passphrase } = { format: '', type: '', passphrase: '', ...input };
  return text === undefined || String(format) === 'jwk' ? undefined : `${format} ${type} ${passphrase} ${text}`;
}

/** Public keys, by private key object. */
const halves = new WeakMap<KeyObject, KeyObject>();

const { sign, verify, pbkdf2Sync, scryptSync, createPrivateKey, createPublicKey, X509Certificate } = crypto;
type SignArgs = [string | null, Uint8Array, KeyObject];
type DeriveArgs = Parameters<typeof pbkdf2Sync>;
const derive = kept(pbkdf2Sync, (password, salt, ...rest) => `${latin1(password)} ${latin1(salt)} ${rest.join(' ')}`);

/** Key and message of each signature. */
const signed = new Map<string, { readonly key: KeyObject; readonly question: string }>();
/** Tells whether a public key belongs to a private key. */
const pairs = new WeakMap<KeyObject, WeakMap<KeyObject, boolean>>();

const questionOf = (algorithm: string | null, data: Uint8Array): string => `${algorithm} ${latin1(data)}`;

function signAndNote(...[algorithm, data, key]: SignArgs): Buffer {
  const signature = sign(algorithm, data, key);
  // Signatures of an RSA key depend on its file, which can have inconsistent parts.
  if (key.asymmetricKeyType === 'rsa') return signature;
  if (signed.size >= most) signed.clear();
  signed.set(signature.toString('latin1'), { key, question: questionOf(algorithm, data) });
  return signature;
}

/** A signature that was made here is verified once for each public key. */
function verifyOnce(...[algorithm, data, key, signature]: [...SignArgs, Uint8Array]): boolean {
  const known = signed.get(latin1(signature) ?? '');
  if (!(key instanceof crypto.KeyObject) || known?.question !== questionOf(algorithm, data))
    return verify(algorithm, data, key, signature);
  const verdicts = pairs.get(known.key) ?? new WeakMap<KeyObject, boolean>();
  pairs.set(known.key, verdicts);
  const verdict = verdicts.get(key) ?? verify(algorithm, data, key, signature);
  verdicts.set(key, verdict);
  return verdict;
}

/** The prototype of public keys. Node does not export it. */
const publicKeys: KeyObject = Object.getPrototypeOf(crypto.generateKeyPairSync('ed25519').publicKey);
const exportPublic: (this: KeyObject, options: crypto.KeyExportOptions<'der'>) => Buffer = publicKeys.export;
const exported = new WeakMap<KeyObject, Buffer>();

Object.assign(publicKeys, {
  export(this: KeyObject, options: crypto.KeyExportOptions<'der'>): Buffer {
    if (options.type !== 'spki' || options.format !== 'der') return exportPublic.call(this, options);
    const der = exported.get(this) ?? exportPublic.call(this, options);
    exported.set(this, der);
    return Buffer.from(der);
  },
});

const publicKey = kept(createPublicKey, keyName);
const certificate = kept((input: Uint8Array | string) => new X509Certificate(input), latin1);

Object.assign(crypto, {
  generateKeyPair: Object.assign(() => undefined, {
    [promisify.custom]: async (kind: string, options?: KeyOptions) => keyPair(kind, options),
  }),
  sign: (...[algorithm, data, key, callback]: [...SignArgs, Callback<Buffer>?]) => {
    if (callback) withCallback<SignArgs, Buffer>(signAndNote, [algorithm, data, key], callback);
    return callback ? undefined : signAndNote(algorithm, data, key);
  },
  verify: verifyOnce,
  pbkdf2: (...[password, salt, rounds, length, digest, callback]: [...DeriveArgs, Callback<Buffer>]) =>
    withCallback<DeriveArgs, Buffer>(derive, [password, salt, rounds, length, digest], callback),
  scrypt: (
    ...[password, salt, length, options, callback]: [string, string, number, crypto.ScryptOptions, Callback<Buffer>]
  ) => withCallback(scryptSync, [password, salt, length, options], callback),
  createPrivateKey: kept(createPrivateKey, keyName),
  createPublicKey: (input: Parameters<typeof createPublicKey>[0]) => {
    if (!(input instanceof crypto.KeyObject)) return publicKey(input);
    const half = halves.get(input) ?? createPublicKey(input);
    halves.set(input, half);
    return half;
  },
  X509Certificate: new Proxy(X509Certificate, {
    construct: (_, [input]: [Uint8Array | string]) => certificate(input),
  }),
});
syncBuiltinESMExports();

const { verify: verifyCertificate } = X509Certificate.prototype;
const verdicts = new Map<string, { readonly key: KeyObject; readonly verdict: boolean }[]>();

X509Certificate.prototype.verify = function verifyCertificateOnce(key: KeyObject): boolean {
  const name = this.raw.toString('latin1');
  const known = verdicts.get(name) ?? [];
  const found = known.find((each) => each.key === key || each.key.equals(key));
  if (found) return found.verdict;
  const verdict = verifyCertificate.call(this, key);
  if (verdicts.size >= most) verdicts.clear();
  verdicts.set(name, [...known, { key, verdict }]);
  return verdict;
};

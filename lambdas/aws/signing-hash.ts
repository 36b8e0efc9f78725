/** SHA-256 and HMAC-SHA-256 for the signatures of the SDK's requests, by node:crypto as the SDK's own. */
import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto';

type Secret = string | ArrayBuffer | ArrayBufferView;

/** By the bytes that the SDK derives once a day and keeps; and the one that it has as text, the credentials' own. */
const keys = new WeakMap<object, KeyObject>();
let ofText: { readonly text: string; readonly key: KeyObject } | undefined;

/**
 * What a client's option `sha256` takes. The SDK's own gives its key to every HMAC as bytes, which node turns into a key
 * each time, at more than the cost of the HMAC; this one keeps the key.
 */
export class SigningHash {
  readonly #secret: Secret | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: Secret) {
    this.#secret = secret;
    this.#hash = start(secret);
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = start(this.#secret);
  }
}

function start(secret: Secret | undefined): Hash | Hmac {
  if (!secret) return createHash('sha256');
  return createHmac('sha256', keyOf(secret));
}

function keyOf(secret: Secret): KeyObject {
  if (typeof secret === 'string') {
    if (ofText?.text !== secret) ofText = { text: secret, key: createSecretKey(secret, 'utf8') };
    return ofText.key;
  }
  const known = keys.get(secret) ?? createSecretKey(bytesOf(secret));
  keys.set(secret, known);
  return known;
}

function bytesOf(secret: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(secret)
    ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
    : new Uint8Array(secret);
}

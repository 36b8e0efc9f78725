/** Creates a PKCS#12 file for a certificate and a key from elsewhere. */
import { createHash, type KeyObject } from 'node:crypto';
import * as write from '../../asn1/writer.ts';
import type { Entropy } from '../../domain/ports.ts';
import { seal, usualDerivation } from '../encryption/pbes.ts';
import { certificateBag } from './content.ts';
import { type Bag, closeFile, shroudedKeyBag } from './file.ts';

export interface Pkcs12Parts {
  /** DER. */
  readonly leaf: Uint8Array;
  readonly chain: readonly Uint8Array[];
  readonly privateKey: KeyObject;
}

const localKeyId = '1.2.840.113549.1.9.21';
const macIterations = 10_000;

/** Creates a file with AES-256 and an HMAC-SHA-256 MAC. The leaf and its key have the same localKeyId, by which readers pair them. */
export async function makePkcs12(parts: Pkcs12Parts, password: string, entropy: Entropy): Promise<Uint8Array> {
  const { leaf, chain, privateKey } = parts;
  // The leaf's SHA-1, as in OpenSSL. It only identifies here and proves nothing.
  const id = write.octetString(createHash('sha1').update(leaf).digest());
  const attributes = write.setOf(write.sequence(write.oid(localKeyId), write.setOf(id)));
  const info = privateKey.export({ format: 'der', type: 'pkcs8' });
  const { algorithm, data } = await seal(info, password, usualDerivation, entropy);
  const key: Bag = { id: shroudedKeyBag, value: write.sequence(algorithm, write.octetString(data)), attributes };
  const certificates = [certificateBag(leaf, attributes), ...chain.map((der) => certificateBag(der, undefined))];
  const safes = [
    { bags: certificates, derivation: usualDerivation },
    { bags: [key], derivation: undefined },
  ];
  return closeFile({ safes, macIterations }, password, entropy);
}

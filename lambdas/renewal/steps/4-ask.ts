/** Step 4: makes the key, then asks the CA. Step 5 verifies the answer before it is used. */
import { sameBytes } from '../../domain/bytes.ts';
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { CaRequest } from '../../domain/ports.ts';
import type { SecretValue } from '../../domain/secret.ts';
import type { Signer } from '../../domain/signer.ts';
import type { Wanted, WantedKey } from '../../domain/wanted.ts';
import { generateKey } from '../../keys/generate.ts';
import type { NextContent } from '../../secret/index.ts';
import type { FilledOrder, Waiting } from '../orders/asking.ts';
import type { Place } from '../place.ts';
import type { RenewalWorld } from '../world.ts';
import type { Plan } from './3-plan.ts';
import { type Answer, parseAnswer, type VerifiedPair, verifyIssued } from './5-verify.ts';

/** A verified pair, and the value to store, in the source's shape. */
export interface IssuedPair {
  readonly kind: 'issued';
  readonly pair: VerifiedPair;
  readonly value: SecretValue;
  /** The plan's certificate. An order may have been placed with another key than the plan says by now. */
  readonly wanted: Wanted;
  /** The version of the order. Undefined at a CA that answers at once. */
  readonly order?: FilledOrder;
}

/** Asks the CA and verifies its answer. Throws the errors of the CA's provider and of verifyIssued. */
export async function issue(world: RenewalWorld, place: Place, plan: Plan): Promise<IssuedPair | Waiting> {
  if (place.provider.can.answers === 'at once') return verified(world, place, await ask(world, place, plan));
  const [{ askByOrder }, { end }] = await Promise.all([import('../orders/asking.ts'), import('../orders/book.ts')]);
  const makeKey = () => keyFor(plan.wanted.key, place.key);
  const request = (wanted: Wanted, key: Signer | undefined) => requestFor(place, wanted, key);
  const filled = await askByOrder({ world, place, plan, makeKey, request });
  if (filled.kind === 'waiting') return filled;
  const { order, wanted, key } = filled;
  try {
    return { ...(await verified(world, place, { answer: parseAnswer(filled.certificates), key, wanted })), order };
  } catch (error) {
    // The same order would give the same certificate again.
    if (error instanceof RenewalError && error.code === 'CertificateRejected') await end(world, place, order);
    throw error;
  }
}

async function verified(world: RenewalWorld, place: Place, { answer, key, wanted }: Issued): Promise<IssuedPair> {
  const now = world.clock.now();
  const expected = { wanted, spki: spkiOf(key, place), roots: place.roots, replaced: place.leaf };
  const pair = verifyIssued(answer, expected, now);
  if (pair.validFrom > now) await world.clock.sleep(pair.validFrom - now);
  const value = await place.write({
    leaf: pair.leaf.der,
    chain: pair.chain.map(({ der }) => der),
    root: pair.root?.der,
    key: wanted.key.kind === 'same' ? undefined : keyContent(key),
  });
  return { kind: 'issued', pair, value, wanted };
}

/** Returns the public key to certify. If the CA holds the key, it is that of the present certificate. */
function spkiOf(key: Signer | undefined, { leaf }: Place): Uint8Array {
  const spki = key?.spki ?? leaf?.spki;
  if (spki !== undefined) return spki;
  throw new RenewalError(
    'Internal',
    'There is neither a key nor a certificate. Report it with the log of this request.',
  );
}

function keyContent(key: Signer | undefined): NextContent['key'] {
  if (key?.kmsKeyArn !== undefined) return { kind: 'kms', keyId: key.kmsKeyArn };
  return key?.privateKey && { kind: 'private', privateKey: key.privateKey };
}

interface Issued {
  readonly answer: Answer;
  /** The key of the new certificate. Undefined if the CA holds it. */
  readonly key: Signer | undefined;
  readonly wanted: Wanted;
}

/**
 * Makes a new key, or takes the present or the given key, and asks the CA. Throws the errors of the CA's provider, and
 * CertificateRejected for an answer that is not a certificate.
 */
async function ask(world: RenewalWorld, place: Place, { wanted }: Plan): Promise<Issued> {
  const issued = await askOnce(place, wanted);
  // A CA that keeps the duration and counts in whole seconds issues the same dates again within the same second.
  if (wanted.end.orEqual || !(place.leaf && hasSameDates(issued.answer.leaf, place.leaf))) return issued;
  await world.clock.sleep(1000);
  return askOnce(place, wanted);
}

async function askOnce(place: Place, wanted: Wanted): Promise<Issued> {
  const key = await keyFor(wanted.key, place.key);
  const answer = await place.provider.ask(requestFor(place, wanted, key));
  if (answer.kind === 'issued') return { answer: parseAnswer(answer.certificates), key, wanted };
  throw new RenewalError('Internal', 'A CA that answers at once has not. Report it with the log of this request.');
}

/** For an issuance the profile's credentials authenticate, so there is no present certificate and key. */
function requestFor(place: Place, wanted: Wanted, key: Signer | undefined): CaRequest {
  const current = wanted.content.kind === 'declared' || place.leaf === undefined ? undefined : place;
  const credential = current && { leaf: current.leaf, chain: current.chain, key: current.key };
  return { wanted, current: credential, key, replaced: place.leaf };
}

async function keyFor(wanted: WantedKey, present: Signer | undefined): Promise<Signer | undefined> {
  switch (wanted.kind) {
    case 'same':
      return present;
    case 'new':
      return generateKey(wanted.spec);
    case 'given':
      return wanted.signer;
  }
}

function hasSameDates(after: Certificate, before: Certificate): boolean {
  if (sameBytes(before.der, after.der)) return false;
  return after.notBefore === before.notBefore && after.notAfter === before.notAfter;
}

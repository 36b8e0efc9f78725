/** Step 4: makes the key, then asks the CA. Step 5 verifies the answer before it is used. */
import { sameBytes } from '../../domain/bytes.ts';
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { CaAnswer, CaRequest, Credential } from '../../domain/ports.ts';
import type { SecretValue } from '../../domain/secret.ts';
import type { Signer } from '../../domain/signer.ts';
import type { WantedKey } from '../../domain/wanted.ts';
import { generateKey } from '../../keys/generate.ts';
import type { NextContent } from '../../secret/index.ts';
import type { Place } from '../place.ts';
import type { RenewalWorld } from '../world.ts';
import type { Plan } from './3-plan.ts';
import { type Answer, parseAnswer, type VerifiedPair, verifyIssued } from './5-verify.ts';

/** Returns a verified pair, and the value to store, in the source's shape. Throws the errors of ask and verifyIssued. */
export async function issue(
  world: RenewalWorld,
  place: Place,
  plan: Plan,
): Promise<{ readonly pair: VerifiedPair; readonly value: SecretValue }> {
  const { answer, key } = await ask(world, place, plan);
  const now = world.clock.now();
  const { wanted } = plan;
  const expected = { wanted, spki: spkiOf(key, place), roots: place.roots, replaced: place.leaf };
  const pair = verifyIssued(answer, expected, now);
  if (pair.validFrom > now) await world.clock.sleep(pair.validFrom - now);
  const value = await place.write({
    leaf: pair.leaf.der,
    chain: pair.chain.map(({ der }) => der),
    root: pair.root?.der,
    key: wanted.key.kind === 'same' ? undefined : keyContent(key),
  });
  return { pair, value };
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
}

/**
 * Makes a new key, or takes the present or the given key, and asks the CA. Throws the errors of the CA's provider, and
 * CertificateRejected for an answer that is not a certificate.
 */
async function ask(world: RenewalWorld, place: Place, { wanted }: Plan): Promise<Issued> {
  const issued = await askOnce(world, place, wanted);
  // A CA that keeps the duration and counts in whole seconds issues the same dates again within the same second.
  if (wanted.end.orEqual || !(place.leaf && hasSameDates(issued.answer.leaf, place.leaf))) return issued;
  await world.clock.sleep(1000);
  return askOnce(world, place, wanted);
}

async function askOnce(world: RenewalWorld, place: Place, wanted: Plan['wanted']): Promise<Issued> {
  const key = await keyFor(wanted.key, place.key);
  const request: CaRequest = { wanted, current: holderOf(place, wanted), key };
  const { certificates } = await askUntilIssued(world, place, request);
  return { answer: parseAnswer(certificates), key };
}

/** Returns the present certificate and key. Undefined for an issuance, which the profile's credentials authenticate. */
function holderOf(place: Place, { content }: Plan['wanted']): Credential | undefined {
  if (content.kind === 'declared' || place.leaf === undefined) return undefined;
  const { leaf, chain, key } = place;
  return { leaf, chain, key };
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

/**
 * Milliseconds that a worker waits for an order in all, and at least between two requests. A longer wait goes back to the queue.
 */
const longestWait = 30_000;
const shortestWait = 1_000;

/** Asks the CA, and again for an order that it has not issued yet. Throws CaUnavailable if that takes too long. */
async function askUntilIssued(
  { clock }: RenewalWorld,
  { provider }: Place,
  request: CaRequest,
): Promise<Extract<CaAnswer, { kind: 'issued' }>> {
  const started = clock.now();
  let answer = await provider.ask(request);
  while (answer.kind === 'pending') {
    const { receipt } = answer;
    const after = Math.max(answer.after, shortestWait);
    if (clock.now() + after - started > longestWait) {
      const message = 'The CA has accepted the order but has not issued the certificate yet. The next try asks again.';
      throw new RenewalError('CaUnavailable', message, { retryAfter: Math.ceil(after / 1000) });
    }
    await clock.sleep(after);
    answer = await provider.ask({ ...request, receipt });
  }
  return answer;
}

function hasSameDates(after: Certificate, before: Certificate): boolean {
  if (sameBytes(before.der, after.der)) return false;
  return after.notBefore === before.notBefore && after.notAfter === before.notAfter;
}

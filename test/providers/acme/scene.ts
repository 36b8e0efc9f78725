/** An ACME CA, hosted zones and a worker's part: receipts are stored before the CA is asked again. */
import { afterEach } from 'vitest';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import type { CaAnswer, CaProvider } from '../../../lambdas/domain/ports.ts';
import type { Signer } from '../../../lambdas/domain/signer.ts';
import { type Acme, openAcme } from '../../../lambdas/providers/acme/index.ts';
import { acme } from '../../../lambdas/providers/acme/kind.ts';
import type { CaTools } from '../../../lambdas/providers/kind.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { type KeyKind, makeKey } from '../../../testkit/certificates/index.ts';
import { type FakeAcme, type FakeAcmeOptions, fakeAcme } from '../../../testkit/fakes/acme/acme-ca.ts';
import { providerOf } from '../../../testkit/fakes/asking.ts';
import { FakeClock } from '../../../testkit/fakes/clock.ts';
import { FakeKeyVault } from '../../../testkit/fakes/key-vault.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { rootPem } from '../../../testkit/fakes/tls-server.ts';
import { FakeTxtZones } from '../../../testkit/fakes/txt-zones.ts';
import { declared, wantedAs } from '../step-ca/declared.ts';

export const zoneId = 'Z0EXAMPLE';

export interface Scene {
  readonly ca: FakeAcme;
  readonly zones: FakeTxtZones;
  readonly clock: FakeClock;
  readonly vault: FakeKeyVault;
  readonly config: Acme;
  /** The key that is certified. */
  readonly key: Signer;
  /** A provider of a new process. */
  provider(config?: Partial<Acme>, tools?: Partial<CaTools>): CaProvider;
}

export interface SceneOptions extends FakeAcmeOptions {
  readonly syncMs?: number;
  readonly accountKey?: KeyKind;
}

const open: FakeAcme[] = [];
export function closeScenes(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((ca) => ca.close()));
  });
}

export async function scene({ syncMs = 0, accountKey = 'P-256', ...options }: SceneOptions = {}): Promise<Scene> {
  const clock = new FakeClock(Date.now());
  const zones = new FakeTxtZones({ clock, syncMs });
  zones.addZone(zoneId);
  const ca = await fakeAcme({ txt: (name) => zones.publishedOf(name), now: () => clock.now(), ...options });
  open.push(ca);
  const vault = new FakeKeyVault();
  const accountPrivateKey = makeKey(accountKey);
  const accountKeyArn = vault.add({ spec: signerFor(accountPrivateKey).keySpec, privateKey: accountPrivateKey });
  const config: Acme = {
    directory: ca.directory,
    agreeToTerms: true,
    accountKeyArn,
    challenge: { type: 'dns-01', zones: { 'example.com': zoneId } },
    serverRoot: rootPem,
  };
  return {
    ca,
    zones,
    clock,
    vault,
    config,
    key: signerFor(makeKey()),
    provider: (more = {}, tools = {}) =>
      providerOf(acme, openAcme({ ...config, ...more }), { clock, vault, zones, ...tools }, true),
  };
}

export interface Asked {
  readonly names?: readonly string[];
  readonly receipt?: string | undefined;
  readonly key?: Signer;
  readonly subject?: Uint8Array;
  readonly replaced?: ReturnType<typeof parseCertificate>;
}

/** One look. */
export function ask(
  { key: usual }: Pick<Scene, 'key'>,
  provider: CaProvider,
  { names = ['dns:www.example.com'], receipt, key = usual, subject, replaced }: Asked = {},
): Promise<CaAnswer> {
  const content = declared({ names, subject, usages: ['serverAuth'] });
  return provider.ask({ wanted: wantedAs(content, key), current: undefined, key, receipt, replaced });
}

export interface Finished {
  readonly answer: CaAnswer;
  readonly looks: number;
  /** All different receipts, in order. */
  readonly receipts: readonly string[];
}

/** Asks until there is an end, and waits as long as the answers say. A new process may look each time. */
export async function finish(at: Scene, provider: () => CaProvider, asked: Asked = {}): Promise<Finished> {
  const receipts: string[] = [];
  let { receipt } = asked;
  for (let looks = 1; looks < 200; looks++) {
    const answer = await ask(at, provider(), { ...asked, receipt });
    if (answer.kind !== 'pending') return { answer, looks, receipts };
    if (answer.receipt !== undefined && answer.receipt !== receipt) {
      receipt = answer.receipt;
      receipts.push(receipt);
    } else if (answer.after === 0) throw new Error(`asked at once with the same receipt: ${answer.says}`);
    at.clock.advance(answer.after);
  }
  throw new Error('the order has no end');
}

/** Returns the leaf of an issued chain. */
export function leafOf(answer: CaAnswer): ReturnType<typeof parseCertificate> {
  if (answer.kind !== 'issued') throw new Error(`not issued: ${answer.says}`);
  return parseCertificate(answer.certificates[0] ?? new Uint8Array());
}

export async function failureOf(work: Promise<unknown>): Promise<RenewalError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof RenewalError) return thrown;
  throw thrown instanceof Error ? thrown : new Error('it did not fail');
}

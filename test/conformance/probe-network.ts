import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HandshakeTarget, KeyType, ProbeNetwork } from '../../lambdas/domain/serving.ts';
import {
  commonNameOnly,
  type KeyKind,
  makeHierarchy,
  makeKey,
  makeLeaf,
  pem,
  pkcs8Pem,
} from '../../testkit/certificates/index.ts';

/** A certificate with its chain, and its key. */
export interface Identity {
  readonly keyType: KeyType;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export type Where = Pick<HandshakeTarget, 'address' | 'port'>;

export interface NetworkWorld {
  readonly network: ProbeNetwork;
  /** A name with an address. */
  readonly name: string;
  /** Starts a server with these certificates, by server name. `''` is the site without one. */
  serve(sites: ReadonlyMap<string, readonly Identity[]>): Promise<Where>;
  /** Starts a server that accepts connections and says nothing. */
  silent(): Promise<Where>;
  /** A place where nothing listens. */
  nowhere(): Promise<Where>;
  close(): Promise<void>;
}

const day = 86_400_000;
const now = Math.floor(Date.now() / 1000) * 1000;
const hierarchy = makeHierarchy(now - day, now + day);

function identity(keyType: KeyType, kind: KeyKind): Identity {
  const key = makeKey(kind);
  const dates = { notBefore: now - day, notAfter: now + day };
  const chain = [makeLeaf({ key, subject: commonNameOnly(kind), ...dates }, hierarchy), hierarchy.intermediate];
  return { keyType, chain, cert: pem(...chain), key: pkcs8Pem(key) };
}

/** Tests of every ProbeNetwork. */
export function probeNetworkSuite(name: string, open: () => Promise<NetworkWorld>): void {
  let world: NetworkWorld;
  const [ec, rsa, web] = [identity('EC', 'P-256'), identity('RSA', 'RSA-2048'), identity('EC', 'P-256')];
  const shake = (where: Where, more: Partial<HandshakeTarget> = {}) =>
    world.network.handshake({ serverName: undefined, ...where, ...more });
  const hex = (ders: readonly Uint8Array[]) => ders.map((der) => Buffer.from(der).toString('hex'));
  const presented = async (where: Where, more: Partial<HandshakeTarget> = {}) => {
    const found = await shake(where, more);
    return found.ok ? hex(found.certificates) : found;
  };

  describe(`probe network: ${name}`, () => {
    beforeAll(async () => {
      world = await open();
    }, 60_000);
    afterAll(() => world?.close());

    test('returns what the server presents, leaf first', async () => {
      expect(await presented(await world.serve(new Map([['', [ec]]])))).toEqual(hex(ec.chain));
    });

    test('asks for the certificate of the server name', async () => {
      const where = await world.serve(
        new Map([
          ['', [ec]],
          ['web.example', [web]],
        ]),
      );
      expect(await presented(where, { serverName: 'web.example' })).toEqual(hex(web.chain));
      expect(await presented(where)).toEqual(hex(ec.chain));
    });

    test.each([
      ['EC', ec],
      ['RSA', rsa],
    ] as const)('of two certificates it gets the one with the type of key asked for: %s', async (keyType, wanted) => {
      for (const both of [
        [ec, rsa],
        [rsa, ec],
      ]) {
        expect(await presented(await world.serve(new Map([['', both]])), { keyType })).toEqual(hex(wanted.chain));
      }
    });

    test('a server without that type of key refuses', async () => {
      const where = await world.serve(new Map([['', [ec]]]));
      for (const keyType of ['RSA', 'OKP'] as const) {
        expect(await shake(where, { keyType })).toEqual({ ok: false, problem: 'alert', code: 'handshake_failure' });
      }
    });

    test('nothing listens', async () => {
      expect(await shake(await world.nowhere())).toEqual({ ok: false, problem: 'refused', code: 'ECONNREFUSED' });
    });

    test('a server that says nothing', async () => {
      expect(await shake(await world.silent())).toEqual({ ok: false, problem: 'timeout', code: 'silent' });
    });

    test('connects to an address only: a name is never looked up for a connection', async () => {
      const { port } = await world.serve(new Map([['', [ec]]]));
      expect(await shake({ address: world.name, port })).toMatchObject({ ok: false });
    });

    test('30 at once', async () => {
      const where = await world.serve(new Map([['', [ec]]]));
      const all = await Promise.all(Array.from({ length: 30 }, () => presented(where)));
      expect(all).toEqual(Array(30).fill(hex(ec.chain)));
    });

    test('resolves a name to its addresses', async () => {
      const found = await world.network.resolve(world.name);
      expect(found.ok && found.addresses.length).toBeGreaterThan(0);
    });

    test.each(['missing.invalid', `${'a'.repeat(64)}.invalid`])('no address: %s', async (host) => {
      expect(await world.network.resolve(host)).toEqual({ ok: false, code: expect.stringMatching(/^\w+$/) });
    });
  });
}

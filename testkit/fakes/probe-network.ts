/** A network of names and TLS servers, which are functions. It records every connection. */
import type { Handshake, HandshakeTarget, ProbeNetwork, Resolution } from '../../lambdas/domain/serving.ts';

export type FakeServer = (target: HandshakeTarget) => Handshake | Promise<Handshake>;

export class FakeNetwork implements ProbeNetwork {
  readonly #names = new Map<string, readonly string[]>();
  readonly #servers = new Map<string, FakeServer>();
  readonly resolved: string[] = [];
  readonly connected: HandshakeTarget[] = [];

  /** A name's addresses. Replaces the earlier ones. */
  name(host: string, ...addresses: string[]): this {
    this.#names.set(host, addresses);
    return this;
  }

  /** What listens at an address and port. Replaces what was there. */
  server(address: string, port: number, server: FakeServer): this {
    this.#servers.set(`${address} ${port}`, server);
    return this;
  }

  async resolve(host: string): Promise<Resolution> {
    this.resolved.push(host);
    const addresses = this.#names.get(host);
    return addresses ? { ok: true, addresses } : { ok: false, code: 'ENOTFOUND' };
  }

  async handshake(target: HandshakeTarget): Promise<Handshake> {
    this.connected.push(target);
    const server = this.#servers.get(`${target.address} ${target.port}`);
    return server ? server(target) : { ok: false, problem: 'refused', code: 'ECONNREFUSED' };
  }
}

/** A server with these DER certificates, leaf first. */
export const presenting =
  (...certificates: readonly Uint8Array[]): FakeServer =>
  () => ({ ok: true, certificates });

/** A certificate with one endpoint, and the network in which it is served. */
import { X509Certificate } from 'node:crypto';
import type { ProbeRequest } from '../../lambdas/domain/request.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { type ProbeResult, probe } from '../../lambdas/probes/run.ts';
import type { ProbeWorld } from '../../lambdas/probes/world.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { FakeNetwork, presenting } from '../../testkit/fakes/probe-network.ts';
import { type EnrolOptions, hour, internal, pairOf, World } from '../renewal/world.ts';

export const probing = { ...internal, probe: { allow: ['dns:svc.example', 'ip:10.0.0.0/8'], within: hour } };
export const endpoint = 'web.svc.example:443';
export const address = '10.0.0.7';

export class ProbeScene {
  readonly world: World;
  readonly network = new FakeNetwork().name('web.svc.example', address);

  constructor(world: World = new World(probing)) {
    this.world = world;
  }

  get probeWorld(): ProbeWorld {
    const { store, profiles, publisher, journal, clock } = this.world;
    return { store, profiles, publisher, journal, clock, network: this.network, anchorsOf: async () => undefined };
  }

  /** Enrols a certificate with the endpoint. */
  enrol({ tags: more = {}, ...options }: EnrolOptions = {}): string {
    return this.world.enrol({ ...options, tags: { [tags.endpoints]: endpoint, ...more } });
  }

  /** Renews it, as the schedule would. */
  async renew(secretId: string): Promise<void> {
    await renewOnDemand(this.world, { secretId, force: true });
  }

  /** DER of the certificate in the secret now. */
  current(secretId: string): Uint8Array {
    return pairOf(this.world.store.value(secretId)).leaf.der;
  }

  /** Lets a server present these certificates, by default the one in the secret now. */
  serve(secretId: string, ...certificates: readonly Uint8Array[]): void {
    this.network.server(
      address,
      443,
      presenting(...(certificates.length > 0 ? certificates : [this.current(secretId)])),
    );
  }

  probe(request: Partial<ProbeRequest> = {}): Promise<ProbeResult> {
    return probe(this.probeWorld, { due: true, ...request });
  }
}

export const serialOf = (der: Uint8Array): string => new X509Certificate(der).serialNumber.toLowerCase();

/**
 * A real ACME server with what a certificate from it needs: a hosted zone that its DNS server reads, and an account key. The zone and
 * the key are in memory (`acmeWorld`) or in the local AWS (testkit/local-aws/acme-world.ts).
 */
import type { KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { Clock } from '../../lambdas/domain/ports.ts';
import type { AcmeChallenge } from '../../lambdas/providers/acme/index.ts';
import type { CaTools } from '../../lambdas/providers/kind.ts';
import { type DnsServer, startDnsServer, type TextsOf } from '../dns/server.ts';
import { FakeKeyVault } from '../fakes/key-vault.ts';
import { FakeTxtZones } from '../fakes/txt-zones.ts';
import { type LocalPebble, type PebbleOptions, startPebble } from './pebble.ts';
import { acmeDirectory, acmeProvisioner, type LocalCa, type StepCaOptions, startStepCa } from './step-ca.ts';

/** The values of TXT records by name: in lower case, and without the dot at the end. Names without values are left out. */
export type Texts = Readonly<Record<string, readonly string[]>>;

/** A zone and an account key. */
export interface AcmeWorld<Tools extends Pick<CaTools, 'zones' | 'vault'> = Pick<CaTools, 'zones' | 'vault'>> {
  /** The name of the zone. */
  readonly domain: string;
  readonly zoneId: string;
  readonly accountKeyArn: string;
  /** For `caTools`. */
  readonly tools: Tools;
  /** What a DNS server answers now. */
  readonly textsOf: TextsOf;
  /** Returns all TXT records of the zone, to compare before and after. */
  texts(): Promise<Texts>;
  /** Adds values that somebody else uses. */
  put(name: string, ...values: readonly string[]): Promise<void>;
}

export interface AcmeWorldOptions {
  /** Default: example.com. */
  readonly domain?: string;
  /** Default: P-256. */
  readonly accountKey?: KeySpec;
}

export interface MemoryWorldOptions extends AcmeWorldOptions {
  /** Milliseconds until the name servers have a change. Default: 0. A server that is told earlier does not find the value. */
  readonly syncMs?: number;
  /** Default: the machine's own. */
  readonly clock?: Pick<Clock, 'now'>;
}

const machineClock = { now: () => Date.now() };

/** A zone and a key in memory. Faults can be set on `tools.zones.faults` and `tools.vault.faults`. */
export function acmeWorld({
  domain = 'example.com',
  accountKey = { kty: 'EC', curve: 'P-256' },
  syncMs = 0,
  clock = machineClock,
}: MemoryWorldOptions = {}): AcmeWorld<{ readonly zones: FakeTxtZones; readonly vault: FakeKeyVault }> {
  const zoneId = 'Z0EXAMPLE';
  const zones = new FakeTxtZones({ clock: { now: () => clock.now(), sleep: async () => {} }, syncMs });
  zones.addZone(zoneId);
  const vault = new FakeKeyVault();
  return {
    domain,
    zoneId,
    accountKeyArn: vault.add({ spec: accountKey }),
    tools: { zones, vault },
    textsOf: (name) => zones.publishedOf(name),
    texts: async () => Object.fromEntries(zones.names().map((name) => [name, zones.valuesOf(name)])),
    put: async (name, ...values) => {
      await zones.add(
        zoneId,
        values.map((value) => ({ name, value })),
      );
    },
  };
}

/** What a client knows of an ACME server. */
export interface AcmeServer {
  readonly directory: string;
  /** PEM of the root of its TLS certificate. */
  readonly serverRoot: string;
  /** Returns the PEM of the root of what it issues now. */
  issuingRoot(): Promise<string>;
}

/** A CA as a profile has it, for `providerFor`. In a file, `root` and `serverRoot` are names of PEM files. */
export type AcmeReference = {
  readonly type: 'acme';
  readonly directory: string;
  readonly agreeToTerms: true;
  readonly accountKeyArn: string;
  readonly challenge: AcmeChallenge;
  readonly root: string;
  readonly serverRoot: string;
};

export interface AcmeScene<World extends AcmeWorld = AcmeWorld, Server = LocalPebble> {
  readonly world: World;
  readonly dns: DnsServer;
  readonly server: Server;
  /** Returns the CA, by default with dns-01 in the zone. The root is that of now: a restarted Pebble has another. */
  ca(challenge?: AcmeChallenge): Promise<AcmeReference>;
  /** Stops the server and the DNS server. */
  close(): Promise<void>;
}

/** Starts Pebble beside the world. It misbehaves as it does by default, unless `options` say otherwise. @throws ToolMissingError */
export const pebbleScene = <World extends AcmeWorld>(
  world: World,
  options: Omit<PebbleOptions, 'dns'> = {},
): Promise<AcmeScene<World>> =>
  scene(world, async (dns) => {
    const server = await startPebble({ ...options, dns });
    return { server, acme: server, close: server.close };
  });

/** Starts step-ca with an ACME provisioner beside the world. @throws ToolMissingError */
export const stepCaScene = <World extends AcmeWorld>(
  world: World,
  options: StepCaOptions = {},
): Promise<AcmeScene<World, LocalCa>> =>
  scene(world, async (dns) => {
    const name = 'acme';
    const provisioners = [acmeProvisioner(name), ...(options.provisioners ?? [])];
    const server = await startStepCa({ ...options, database: true, resolver: dns.address, provisioners });
    const acme: AcmeServer = {
      directory: acmeDirectory(server, name),
      serverRoot: server.rootPem,
      issuingRoot: async () => server.rootPem,
    };
    return { server, acme, close: server.close };
  });

interface Started<Server> {
  readonly server: Server;
  readonly acme: AcmeServer;
  readonly close: () => Promise<void>;
}

async function scene<World extends AcmeWorld, Server>(
  world: World,
  start: (dns: DnsServer) => Promise<Started<Server>>,
): Promise<AcmeScene<World, Server>> {
  const dns = await startDnsServer(world.textsOf);
  const { server, acme, close } = await start(dns).catch(async (error: unknown) => {
    await dns.close();
    throw error;
  });
  const zones = { [world.domain]: world.zoneId };
  return {
    world,
    dns,
    server,
    ca: async (challenge = { type: 'dns-01', zones }) => ({
      type: 'acme',
      directory: acme.directory,
      agreeToTerms: true,
      accountKeyArn: world.accountKeyArn,
      challenge,
      root: await acme.issuingRoot(),
      serverRoot: acme.serverRoot,
    }),
    close: async () => {
      await close();
      await dns.close();
    },
  };
}

/** The demo's cert-renewer.json, as a user writes it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoPebble, DemoStepCa } from './cas.ts';

/** The CAs beside the stack's own. Both are undefined without Go. */
export interface DemoCas {
  readonly stepCa: DemoStepCa | undefined;
  readonly pebble: DemoPebble | undefined;
}

/** A declared certificate. */
export interface DemoCertificate {
  readonly profile: 'own' | 'internal' | 'public';
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly duration?: string;
  readonly expiresIn?: string;
  readonly endpoints?: readonly string[];
}

export type DemoCertificates = Readonly<Record<string, DemoCertificate>>;

/** The certificate whose names change in step 4. */
export const CHANGED = 'demo/web';
/** The certificate that becomes due during the demo. */
export const SHORT_LIVED = 'demo/job';
/** The certificate of step-ca. */
export const STEP_CA = 'demo/api';
/** The certificate of Pebble. */
export const ACME = 'demo/shop';

/** Returns the declarations of the first deployment. `place`: host:port of the server with the certificate `SHORT_LIVED`. */
export function firstCertificates({ stepCa, pebble }: DemoCas, place: string): DemoCertificates {
  return {
    [CHANGED]: { profile: 'own', dnsNames: ['web.svc.example', '*.web.svc.example'], ipAddresses: ['10.0.0.7'] },
    // Its window opens about a minute after it was issued, so that a scan finds it due while the demo runs.
    [SHORT_LIVED]: {
      ...{ profile: 'own', dnsNames: ['job.svc.example'], duration: '5m', expiresIn: '3m40s' },
      endpoints: [`${place}/job.svc.example`],
    },
    ...(stepCa && { [STEP_CA]: { profile: 'internal', dnsNames: ['api.internal.example'] } }),
    ...(pebble && { [ACME]: { profile: 'public', dnsNames: [pebble.domain, `*.${pebble.domain}`] } }),
  };
}

/** Adds a name to the certificate `CHANGED`. */
export function withName(certificates: DemoCertificates, name: string): DemoCertificates {
  const changed = certificates[CHANGED];
  if (!changed) throw new Error(`${CHANGED} is not declared`);
  return { ...certificates, [CHANGED]: { ...changed, dnsNames: [...changed.dnsNames, name] } };
}

/** Writes cert-renewer.json into `folder` and returns its path. */
export async function writeConfiguration(folder: string, configuration: object): Promise<string> {
  const path = join(folder, 'cert-renewer.json');
  await writeFile(path, JSON.stringify(configuration, null, 2));
  return path;
}

export function configurationOf({ stepCa, pebble }: DemoCas, certificates: DemoCertificates) {
  return {
    schedule: 'rate(1 minute)',
    probe: { allow: ['ip:127.0.0.0/8'] },
    authorities: {
      root: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } },
      issuing: {
        create: { subject: 'CN=Example Issuing', key: 'EC P-256', validity: '26280h', pathLen: 0 },
        parent: 'root',
      },
    },
    profiles: {
      own: {
        ca: { type: 'offline', authority: 'issuing' },
        issue: { allow: ['dns:svc.example', 'ip:10.0.0.0/8'], duration: '720h' },
      },
      ...(stepCa && {
        internal: {
          ca: { type: 'step-ca', url: stepCa.url, root: stepCa.rootFile, provisioner: stepCa.provisioner },
          issue: { allow: ['dns:internal.example'], duration: '24h' },
        },
      }),
      ...(pebble && { public: publicProfile(pebble) }),
    },
    certificates,
  };
}

/** The stack makes the key of the account. */
const publicProfile = ({ directory, domain, zoneId, rootFile, serverRootFile }: DemoPebble) => ({
  ca: {
    type: 'acme',
    directory,
    agreeToTerms: true,
    challenge: { type: 'dns-01', zones: { [domain]: zoneId } },
    root: rootFile,
    serverRoot: serverRootFile,
  },
  issue: { allow: [`dns:${domain}`] },
});

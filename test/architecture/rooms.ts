/**
 * The tables: which rooms there are, which rooms each may import, and which files may use time, randomness and the outside
 * world.
 */

export interface Room {
  /** Other rooms of `lambdas/`. */
  readonly rooms: readonly string[];
  /** Packages of node_modules. A `*` at the end stands for any rest of the name. */
  readonly packages: readonly string[];
}

/** Rooms of `lambdas/`, in the order of CONTRIBUTING.md. `functions/` and compose.ts may import all of them. */
export const rooms: Readonly<Record<string, Room>> = {
  domain: { rooms: [], packages: [] },
  asn1: { rooms: ['domain'], packages: [] },
  x509: { rooms: ['domain', 'asn1'], packages: ['@peculiar/x509', 'reflect-metadata'] },
  policy: { rooms: ['domain', 'x509'], packages: ['zod/mini'] },
  secret: { rooms: ['domain', 'asn1'], packages: ['jsonc-parser'] },
  keys: { rooms: ['domain', 'x509'], packages: [] },
  renewal: { rooms: ['domain', 'x509', 'policy', 'secret', 'keys'], packages: [] },
  net: { rooms: ['domain'], packages: [] },
  providers: { rooms: ['domain', 'x509', 'policy', 'secret', 'keys', 'authority', 'net'], packages: ['zod/mini'] },
  probes: { rooms: ['domain', 'x509', 'policy', 'providers', 'net'], packages: [] },
  authority: {
    rooms: ['domain', 'asn1', 'x509', 'policy', 'secret', 'keys', 'renewal', 'deployment'],
    packages: ['zod/mini'],
  },
  aws: { rooms: ['domain', 'x509'], packages: ['@aws-sdk/*', '@aws-lambda-powertools/*'] },
  hooks: { rooms: ['domain', 'x509', 'secret'], packages: [] },
  inventory: { rooms: ['domain', 'policy'], packages: [] },
  notices: { rooms: ['domain'], packages: [] },
  deployment: { rooms: ['domain', 'x509', 'policy', 'providers'], packages: ['zod/mini'] },
};
export const everyRoom = Object.keys(rooms);

/** The folders of `renewal/`: the ways in, the steps, orders at CAs that answer later, and the scan. */
export const renewalFolders = ['entry', 'orders', 'scan', 'steps'];

/** Rooms of `lambdas/` that the deployment may import: nouns and rules, but no adapters. */
export const roomsForCdk = ['domain', 'policy', 'x509', 'providers'];

/** Modules of node that reach the outside world. */
export const outside = [
  'node:fs',
  'node:http',
  'node:https',
  'node:net',
  'node:tls',
  'node:child_process',
  'node:dns',
  'node:os',
];
export const mayReachOutside: Readonly<Record<string, readonly string[]>> = {
  'lambdas/net/https.ts': ['node:https', 'node:tls'],
  'lambdas/net/tls-handshake.ts': ['node:tls', 'node:dns/promises'],
  'lambdas/aws/cloudformation.ts': ['node:https', 'node:http'], // a custom resource's answer goes to a URL, not to an API
};

/** Packages that a file of `cli/` may import beside its own files and the rooms of `lambdas/`. */
export const cliPackages: readonly (readonly [file: RegExp, packages: readonly string[]])[] = [
  [/^cli\/aws\//, ['@aws-sdk/*']],
  [/^cli\/program\.ts$/, ['commander']],
  [/^cli\/table\.ts$/, ['cli-table3']],
  [/^cli\/files\//, ['node:fs', 'node:fs/promises']],
  [/^cli\/cdk\.ts$/, ['node:child_process', 'node:fs', 'node:os']],
];

/** The edges of the process. They may use everything. */
export const edges = ['lambdas/compose.ts', 'cli/main.ts', 'cdk/app.ts'];

/** Other files that use time, timers, randomness, the environment or the network, each with its reason. */
export const mayTake: Readonly<Record<string, readonly string[]>> = {
  'lambdas/keys/generate.ts': ['generateKeyPair', 'generateKeyPairSync'], // new keys: no other randomness is good enough
  'lambdas/keys/possession.ts': ['randomBytes'], // the text that a key signs as a proof must be unpredictable
  'lambdas/secret/shape.ts': ['randomBytes'], // salts and IVs, if no caller passes entropy
  'lambdas/secret/encryption/pkcs12-key.ts': ['node:timers/promises', 'setImmediate'], // lets other work run during seconds of computation
  'lambdas/net/https.ts': ['AbortSignal.timeout'], // the limit of a call
  'lambdas/net/tls-handshake.ts': ['setTimeout'], // the limit of a handshake
  'lambdas/providers/conversation.ts': ['AbortSignal.timeout'], // the limit of all calls of one request to a CA
  'cli/files/replace.ts': ['randomUUID'], // the name of a temporary file that replaces another
  'cli/cdk.ts': ['process.kill'], // Ctrl-C for the CDK and the app that it has started
  'cli/inventory.ts': ['node:timers/promises', 'setTimeout'], // pauses between pages
  'cdk/authorities/certificate-authority.ts': ['process.cwd'], // base of the paths in a configuration
  'cdk/cert-renewer.ts': ['process.cwd'], // the same
  'cdk/hooks/hooks.ts': ['process.env'], // the Region that the CDK deploys to
  'cdk/functions/bundle-cache.ts': ['Date.now', 'new Date()'], // the age of unused bundles
};

/** The types of CAs. Nothing outside of `lambdas/providers` may compare them. */
export const caTypes = ['step-ca', 'infisical', 'offline', 'acme'];

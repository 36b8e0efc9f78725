/** The tables: which rooms there are, who may import whom, and who may take time, randomness and the rest from the world. */

export interface Room {
  /** Other rooms of `lambdas/`. */
  readonly rooms: readonly string[];
  /** Of node_modules; with `*` at its end, all that begin so. */
  readonly packages: readonly string[];
}

/** Of `lambdas/`, in the order of CONTRIBUTING.md. `functions/` and compose.ts may import every one. */
export const rooms: Readonly<Record<string, Room>> = {
  domain: { rooms: [], packages: [] },
  asn1: { rooms: ['domain'], packages: [] },
  x509: { rooms: ['domain', 'asn1'], packages: ['@peculiar/x509', 'reflect-metadata'] },
  policy: { rooms: ['domain', 'x509'], packages: ['zod/mini'] },
  secret: { rooms: ['domain', 'asn1'], packages: ['jsonc-parser'] },
  keys: { rooms: ['domain', 'x509'], packages: [] },
  renewal: { rooms: ['domain', 'x509', 'policy', 'secret', 'keys'], packages: [] },
  providers: { rooms: ['domain', 'x509', 'policy', 'secret', 'keys', 'authority'], packages: ['zod/mini'] },
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

/** The folders of `renewal/`: who enters, what is done, and what is sent to be done. */
export const renewalFolders = ['entry', 'scan', 'steps'];

/** What the deployment may take of `lambdas/`: the nouns and the rules, and no adapter. */
export const roomsForCdk = ['domain', 'policy', 'x509', 'providers'];

/** Modules of node that touch the world outside. */
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
  'lambdas/providers/https.ts': ['node:https', 'node:tls'],
  'lambdas/aws/cloudformation.ts': ['node:https', 'node:http'], // a custom resource's answer goes to an address, not to an API
};

/** For `cli/`: what a file may import beside its own files and the rooms of `lambdas/`. */
export const cliPackages: readonly (readonly [file: RegExp, packages: readonly string[]])[] = [
  [/^cli\/aws\//, ['@aws-sdk/*']],
  [/^cli\/program\.ts$/, ['commander']],
  [/^cli\/table\.ts$/, ['cli-table3']],
  [/^cli\/files\//, ['node:fs', 'node:fs/promises']],
];

/** These take whatever they need from the process: they are its edge. */
export const edges = ['lambdas/compose.ts', 'cli/main.ts', 'cdk/app.ts'];

/** Who else takes time, timers, randomness, the environment or the network by itself, and what. Each has its reason. */
export const mayTake: Readonly<Record<string, readonly string[]>> = {
  'lambdas/keys/generate.ts': ['generateKeyPair', 'generateKeyPairSync'], // new keys: no other randomness is good enough
  'lambdas/keys/possession.ts': ['randomBytes'], // what a key signs to prove itself, which nobody may foresee
  'lambdas/secret/shape.ts': ['randomBytes'], // salts and IVs, where no caller gives any
  'lambdas/secret/encryption/pkcs12-key.ts': ['node:timers/promises', 'setImmediate'], // seconds of work let others in between
  'lambdas/providers/https.ts': ['AbortSignal.timeout'], // the limit of a call
  'lambdas/providers/conversation.ts': ['AbortSignal.timeout'], // the limit of all calls of one request to a CA
  'cli/files/replace.ts': ['randomUUID'], // the name of a file that is about to take another one's place
  'cli/inventory.ts': ['node:timers/promises', 'setTimeout'], // pauses between pages
  'cdk/authorities/certificate-authority.ts': ['process.cwd'], // where paths of a configuration begin
  'cdk/cert-renewer.ts': ['process.cwd'], // the same
  'cdk/hooks/hooks.ts': ['process.env'], // the Region that the CDK deploys to
  'cdk/functions/bundle-cache.ts': ['Date.now', 'new Date()'], // bundles that were not used for long go
};

/** The types of CAs, which nothing outside of `lambdas/providers` has to know. */
export const caTypes = ['step-ca', 'infisical', 'offline', 'acme'];

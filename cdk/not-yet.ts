/**
 * What the configuration may say by the contract and this version can't do yet. Deploying it silently without would be
 * a certificate that is not renewed, so it fails at synthesis. Whoever builds one of these removes its line.
 */
import type { Problem } from './config-error.ts';
import type { ConfigDocument } from './config-schema.ts';
import { configPath } from './explain.ts';

type Path = readonly PropertyKey[];

const profilesWith =
  (...path: string[]) =>
  (holds: (profile: ConfigDocument['profiles'][string]) => boolean) =>
  (config: ConfigDocument): Path[] =>
    Object.entries(config.profiles).flatMap(([name, profile]) => (holds(profile) ? [['profiles', name, ...path]] : []));

const notYet: readonly { readonly what: string; readonly where: (config: ConfigDocument) => readonly Path[] }[] = [
  { what: 'the CA type "offline"', where: profilesWith('ca', 'type')(({ ca }) => ca?.type === 'offline') },
  { what: 'the CA type "infisical"', where: profilesWith('ca', 'type')(({ ca }) => ca?.type === 'infisical') },
  { what: 'hooks', where: profilesWith('hooks')(({ hooks }) => hooks !== undefined) },
  { what: 'authorities', where: ({ authorities }) => (authorities === undefined ? [] : [['authorities']]) },
  { what: 'the API for authorities', where: ({ caApi }) => (caApi === undefined ? [] : [['caApi']]) },
];

export function findNotYet(config: ConfigDocument): readonly Problem[] {
  return notYet.flatMap(({ what, where }) =>
    where(config).map((path) => ({ path: configPath(...path), message: `${what}: not supported by this version yet` })),
  );
}

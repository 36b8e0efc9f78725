/** Checks the authorities of the configuration: fields that depend on each other, and the ca.json of a step-ca. */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parseDuration } from '../../lambdas/domain/duration.ts';
import { suggestion } from '../../lambdas/domain/nearest.ts';
import { type CaConfigClaims, claimsOfCaConfig } from '../../lambdas/policy/authority.ts';
import { needsOf } from '../../lambdas/providers/index.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import type { Problem } from './config-error.ts';
import type { AuthorityConfig, ConfigDocument } from './config-schema.ts';
import { configPath } from './explain.ts';
import { isToken } from './token.ts';

type Authorities = Readonly<Record<string, AuthorityConfig>>;

/** The policies of the functions name each authority by ARN in several statements; IAM allows 10,240 characters. */
const mostAuthorities = 12;

/** Checks the authorities, the profiles that name them, and their API. */
export function checkAuthorities(config: ConfigDocument, baseDirectory: string): readonly Problem[] {
  const authorities = config.authorities ?? {};
  return [
    ...checkNumber(authorities),
    ...Object.entries(authorities).flatMap(([name, authority]) => [
      ...checkKind(name, authority),
      ...checkCreation(name, authority),
      ...checkParent(name, authorities),
      ...checkCaConfig(name, authority, baseDirectory),
    ]),
    ...checkOutputNames(Object.keys(authorities)),
    ...checkNamedAuthorities(config),
    ...checkApi(config),
  ];
}

/**
 * Reads the claims of a step-ca's ca.json. `file` is absolute, or relative to `baseDirectory`. Throws an Error. Its message never quotes
 * the file, which may contain passwords.
 */
export function readCaConfig(file: string, baseDirectory: string): CaConfigClaims {
  let json: string;
  try {
    json = readFileSync(isAbsolute(file) ? file : join(baseDirectory, file), 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    throw new Error(`the file ${file} can't be read (${code}); expected the ca.json of a step-ca`);
  }
  try {
    return claimsOfCaConfig(json.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new Error(`the file ${file}: ${messageOf(thrown)}`);
  }
}

/** Returns the prefix of an authority's outputs: `Issuing` for `issuing`, `MyRoot2` for `my-root.2`. (Letters and digits only.) */
export function outputPrefix(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('');
}

const at = (name: string, ...path: string[]) => configPath('authorities', name, ...path);

function checkNumber(authorities: Authorities): readonly Problem[] {
  const { length } = Object.keys(authorities);
  if (length > mostAuthorities) {
    return [
      {
        path: configPath('authorities'),
        message: `found ${length} authorities, which do not fit into IAM policies; expected at most ${mostAuthorities} in a stack`,
      },
    ];
  }
  return [];
}

/** Checks that an authority has either `create` or `secretId`, and only fields that go with it. */
function checkKind(name: string, { create, secretId, kmsKeyArn, passwordSecretId }: AuthorityConfig): Problem[] {
  if ((create === undefined) === (secretId === undefined)) {
    return [
      {
        path: at(name),
        message: `${create ? 'both "create" and "secretId" are' : 'neither "create" nor "secretId" is'} set; expected one of them: a certificate to create, or the secret of an existing one`,
      },
    ];
  }
  const misplaced = [
    ...(create && kmsKeyArn !== undefined ? ['kmsKeyArn'] : []),
    ...(create && passwordSecretId !== undefined ? ['passwordSecretId'] : []),
  ];
  const problems = misplaced.map((field) => ({
    path: at(name, field),
    message: 'is allowed only with "secretId"; with "create" the stack creates the key',
  }));
  if (!create && kmsKeyArn !== undefined && passwordSecretId !== undefined) {
    problems.push({
      path: at(name, 'passwordSecretId'),
      message: 'both kmsKeyArn and passwordSecretId are set; expected one: a key in KMS needs no password',
    });
  }
  return problems;
}

function checkCreation(name: string, { create }: AuthorityConfig): readonly Problem[] {
  if (create === undefined) return [];
  const tries: readonly (readonly [string, () => unknown])[] = [
    ['subject', () => isToken(create.subject) || parseName(create.subject, 'It')],
    ['validity', () => parseDuration(known(create.validity), 'It', 'InvalidRequest')],
    ['key', () => known(create.key)],
  ];
  return tries.flatMap(([field, run]) => {
    try {
      run();
      return [];
    } catch (thrown) {
      return [{ path: at(name, 'create', field), message: messageOf(thrown) }];
    }
  });
}

function known(text: string): string {
  if (!isToken(text)) return text;
  throw new Error('it must be known at synthesis; found a token');
}

function checkParent(name: string, authorities: Authorities): readonly Problem[] {
  const own = authorities[name];
  if (own?.parent === undefined || isToken(own.parent)) return [];
  const problem = (message: string) => [{ path: at(name, 'parent'), message }];
  const parent = Object.hasOwn(authorities, own.parent) ? authorities[own.parent] : undefined;
  if (parent === undefined) {
    return problem(unknownAuthority(own.parent, Object.keys(authorities), name));
  }
  if (ancestors(name, authorities).includes(name)) {
    return problem('its parents lead back to itself; expected a chain that ends at a root, which has no parent');
  }
  const most = parent.create?.pathLen;
  if (most === 0) {
    return problem(`${own.parent} has pathLen 0, so it can issue leaves but no authority; expected at least 1 there`);
  }
  const pathLen = own.create?.pathLen;
  if (most !== undefined && pathLen !== undefined && pathLen >= most) {
    return [
      {
        path: at(name, 'create', 'pathLen'),
        message: `found ${pathLen}, and its parent ${own.parent} has ${most}; expected less than the parent's`,
      },
    ];
  }
  return checkValidity(name, own, parent);
}

function checkValidity(name: string, own: AuthorityConfig, parent: AuthorityConfig): readonly Problem[] {
  const [mine, above] = [own.create?.validity, parent.create?.validity].map((text) => {
    try {
      return text === undefined || isToken(text) ? undefined : parseDuration(text, 'It', 'InvalidRequest');
    } catch {
      return undefined; // checkCreation reports it
    }
  });
  if (mine === undefined || above === undefined || mine <= above) return [];
  return [
    {
      path: at(name, 'create', 'validity'),
      message: `found ${own.create?.validity}, longer than the validity of its parent ${own.parent} (${parent.create?.validity}); expected at most that`,
    },
  ];
}

/** Returns the parents of an authority, nearest first. In a circle, each appears once, also the authority itself. */
export function ancestors(name: string, authorities: Authorities): readonly string[] {
  const found: string[] = [];
  let next = authorities[name]?.parent;
  while (next !== undefined && !found.includes(next) && Object.hasOwn(authorities, next)) {
    found.push(next);
    next = authorities[next]?.parent;
  }
  return found;
}

function checkCaConfig(name: string, { caConfig }: AuthorityConfig, baseDirectory: string): readonly Problem[] {
  if (caConfig === undefined) return [];
  if (isToken(caConfig)) {
    return [{ path: at(name, 'caConfig'), message: 'found a token; expected the name of a file to read at synthesis' }];
  }
  try {
    readCaConfig(caConfig, baseDirectory);
    return [];
  } catch (thrown) {
    return [{ path: at(name, 'caConfig'), message: messageOf(thrown) }];
  }
}

/** Names that differ only in punctuation would have the same outputs. The output TrustBundle… is the stack's own. */
function checkOutputNames(names: readonly string[]): readonly Problem[] {
  return names.flatMap((name, index) => {
    const others = ['TrustBundle', ...names.slice(0, index)];
    const twin = others.find((other) => outputPrefix(other) === outputPrefix(name));
    return twin === undefined
      ? []
      : [
          {
            path: at(name),
            message: `too similar to ${twin}: both would have the outputs ${outputPrefix(name)}…; choose another name`,
          },
        ];
  });
}

function checkNamedAuthorities({ profiles, authorities = {} }: ConfigDocument): readonly Problem[] {
  return Object.entries(profiles).flatMap(([name, { ca }]) => {
    const authority = isToken(ca) ? undefined : needsOf(ca).authority;
    if (authority === undefined || isToken(authority) || Object.hasOwn(authorities, authority)) return [];
    return [
      {
        path: configPath('profiles', name, 'ca', 'authority'),
        message: unknownAuthority(authority, Object.keys(authorities)),
      },
    ];
  });
}

function checkApi({ authorities, caApi }: ConfigDocument): readonly Problem[] {
  if (caApi === undefined) return [];
  if (Object.keys(authorities ?? {}).length === 0) {
    return [
      {
        path: configPath('caApi'),
        message: 'the API renews authorities, but "authorities" is empty; add one, or remove "caApi"',
      },
    ];
  }
  if (caApi.auth !== 'bearer' || caApi.tokenSecretId !== undefined) return [];
  return [
    {
      path: configPath('caApi', 'tokenSecretId'),
      message: 'missing; expected the name or ARN of the secret with the tokens, because auth is "bearer"',
    },
  ];
}

function unknownAuthority(found: string, names: readonly string[], but?: string): string {
  const others = names.filter((name) => name !== but);
  const allowed = others.length === 0 ? 'the names under "authorities", which has none' : others.join(', ');
  return `no authority of that name${suggestion(found, others)}; expected one of ${allowed}`;
}

function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).replace(/^It (?=is )/, '').replace(/\.$/, '');
}

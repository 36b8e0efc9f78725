/** `declare`: declares one certificate as a deployment does, with the caller's permissions. */
import { type Applied, applyChanges } from '../../lambdas/deployment/apply-changes.ts';
import { describeIfThere } from '../../lambdas/deployment/declare.ts';
import type { PreviousDeclaration } from '../../lambdas/deployment/previous-declaration.ts';
import type { DeclarationWorld } from '../../lambdas/deployment/world.ts';
import { declaredShapes, declaredUsages } from '../../lambdas/domain/declaration.ts';
import type { RenewFunction } from '../../lambdas/domain/declaring.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import {
  type CertificateEntry,
  certificateSchema,
  entryProblems,
  settingTags,
} from '../../lambdas/policy/certificate-entry.ts';
import { secretName } from '../../lambdas/policy/declaration.ts';
import { explainIssues } from '../../lambdas/policy/vocabulary.ts';
import { isSecretOf } from '../../lambdas/renewal/authority.ts';
import { FunctionFailure } from '../aws/functions.ts';
import { command, type OptionValues } from '../command.ts';
import { type Done, each } from '../each.ts';
import { endpointOption, endpointsTag } from '../endpoints.ts';
import { UsageError } from '../exit.ts';
import { flagOf } from '../flags.ts';
import {
  describeSecrets,
  findStack,
  invokeRenew,
  listProfiles,
  readAuthorities,
  readProfiles,
  readRenewSettings,
  readSettings,
} from '../permissions.ts';
import { requireProfile, type Session } from '../session.ts';
import { enrolmentOptions } from './enrol.ts';
import { detailOf } from './renew.ts';

const options = {
  profile: { flags: '--profile <profile>', description: 'a profile of the stack with "issue"; required' },
  dns: { flags: '--dns <name>', description: 'a DNS name, also *.example.com; repeatable', repeats: true },
  ip: { flags: '--ip <address>', description: 'an IP address; repeatable', repeats: true },
  email: { flags: '--email <address>', description: 'an e-mail address; repeatable', repeats: true },
  uri: { flags: '--uri <uri>', description: 'a URI; repeatable', repeats: true },
  commonName: { flags: '--common-name <text>', description: 'common name of the subject (default: no subject)' },
  subject: {
    flags: '--subject <name>',
    description: 'the whole subject instead, in the format of RFC 4514: CN=web,O=Example',
  },
  usage: {
    flags: '--usage <usage>',
    description: 'extended key usage; repeatable (default: serverAuth and clientAuth; with an acme CA serverAuth)',
    choices: declaredUsages,
    repeats: true,
  },
  duration: {
    flags: '--duration <duration>',
    description: 'validity: 720h, not with an acme CA (default: the profile’s, else the CA’s)',
  },
  ...{ mode: enrolmentOptions.mode, expiresIn: enrolmentOptions.expiresIn, rekeyPeriod: enrolmentOptions.rekeyPeriod },
  ...{ kty: enrolmentOptions.kty, curve: enrolmentOptions.curve, size: enrolmentOptions.size },
  paused: { flags: '--paused', description: 'declare, but exclude from the schedule for now' },
  kmsKeyId: { flags: '--kms-key-id <key>', description: 'certify this existing key in KMS' },
  shape: {
    flags: '--shape <shape>',
    description: 'format of the secret (default: camel)',
    choices: declaredShapes,
  },
  encryptionKey: { flags: '--encryption-key <key>', description: 'encrypt the secret with this customer key in KMS' },
  existing: {
    flags: '--existing',
    description: 'take over a secret that is enrolled in this profile',
  },
  endpoint: endpointOption,
  wait: { flags: '--no-wait', description: 'do not wait until the certificate is issued' },
} as const;

type Given = OptionValues<typeof options>;

export const declare = command({
  name: 'declare',
  summary: 'declare the certificate of a secret, and have it issued',
  description: [
    'Creates the secret if it does not exist, writes the declaration, and has the certificate issued. If names, subject, usages, duration or key differ from the earlier declaration, a new certificate is issued. The same declaration again changes nothing. The command waits for the certificate, ten minutes at most.',
    'A declaration replaces the earlier one as a whole: an omitted option has its default again. If the configuration declares the certificate too, a later deployment may replace your declaration: see docs/declared.md.',
    'An existing secret needs --existing, unless it was declared before, is empty, or contains a certificate with the same names.',
  ],
  argument: { name: '<name>', description: 'name of the secret' },
  options,
  examples: [
    { command: 'cert-renewer declare web/tls --profile offline --dns web.svc.example', says: 'a new certificate' },
    {
      command: 'cert-renewer declare web/tls --profile offline --dns web.svc.example --dns www.svc.example',
      says: 'one more name: issued again',
    },
  ],
  needs: [
    ...[findStack, readSettings, readRenewSettings, readProfiles, listProfiles, describeSecrets, invokeRenew],
    { ...readAuthorities, when: 'the stack has authorities, and the secret exists' },
    { actions: ['ssm:GetParameter', 'ssm:PutParameter'], on: 'declarations' },
    { actions: ['secretsmanager:CreateSecret', 'secretsmanager:TagResource'], on: 'secrets' },
    {
      actions: ['secretsmanager:UntagResource'],
      on: 'secrets',
      when: 'the secret has tags that the declaration omits',
    },
    { actions: ['secretsmanager:UpdateSecret'], on: 'secrets', when: '`--encryption-key` has changed' },
  ],
  run: async (context, names, given) => {
    const { session, terminal } = context;
    const [name = ''] = names;
    const entry = entryOf(name, given);
    const profile = await requireProfile(session, entry.profile);
    if (entry.endpoints) endpointsTag(entry.endpoints, profile);
    return each(context, names, async () => {
      terminal.progress(`${name} …`);
      const done = await declareOne(session, name, entry);
      terminal.progress('');
      return done;
    });
  },
});

/** Throws UsageError. */
function entryOf(name: string, given: Given): CertificateEntry {
  const { profile, dns, ip, email, uri, usage, size, endpoint, wait = true, ...rest } = given;
  if (profile === undefined) throw new UsageError('--profile is missing: name a profile of the stack.');
  const lists = { dnsNames: dns, ipAddresses: ip, emails: email, uris: uri, usages: usage, endpoints: endpoint };
  const number = size === undefined ? undefined : /^\d+$/.test(size) ? Number(size) : size;
  const fields = { ...rest, ...lists, profile, size: number, wait };
  const document = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const named = secretName.safeParse(name);
  if (!named.success) throw new UsageError(explainIssues(named.error.issues, 'name'));
  const parsed = certificateSchema.safeParse(document, { reportInput: true });
  if (!parsed.success) throw new UsageError(fieldsInFlags(explainIssues(parsed.error.issues, 'declaration')));
  const [problem] = entryProblems(name, parsed.data);
  if (problem === undefined) return parsed.data;
  const [field] = problem.path;
  throw new UsageError(
    field === undefined ? inWords(problem.message) : `${flagOf(String(field))}: ${inWords(problem.message)}.`,
  );
}

const fieldsInFlags = (text: string) =>
  text.replace(/declaration\.([a-zA-Z]+)(?:[.[]\d+\]?)?/g, (_, field) => flagOf(field));
const inWords = (text: string) =>
  text.replace(/\b(?:dnsNames|ipAddresses|emails|uris|commonName|expiresIn|rekeyPeriod)\b/g, flagOf);

/** Milliseconds: the longest wait for a certificate, and the time until the renew function sees a new parameter. */
const patience = 600_000;
const settling = 30_000;

async function declareOne(session: Session, name: string, entry: CertificateEntry): Promise<Done> {
  const world = await worldOf(session);
  const now = session.clock.now();
  const before = await settingsBefore(session, name);
  const terms = { deadline: now + patience, settledAt: now + settling, isNewRole: false };
  const [ending] = await applyChanges(world, [{ name, entry, before }], terms);
  if (ending === undefined) throw new RenewalError('Internal', 'Nothing was declared.');
  if (ending.kind === 'failed') throw ending.error;
  const { outcome, secretArn, isChanged, answer } = ending.result;
  const end = outcome === 'there' ? await endOf(session, name) : undefined;
  const record = { secretArn, profile: entry.profile, outcome, changed: isChanged, notAfter: answer?.notAfter ?? end };
  return { says: saysOf(name, ending.result, end), record: { ...record, ...(answer && { ...answer, outcome }) } };
}

async function worldOf(session: Session): Promise<DeclarationWorld> {
  const { profiles, authorities, rotationFunctionArn } = await session.deployment();
  const functionName = await session.output('RenewFunctionName');
  const isAuthority = async (secret: SecretSummary): Promise<boolean> => {
    for (const name of authorities?.names ?? []) {
      const authority = await authorities?.find(name);
      if (authority && isSecretOf(authority, secret)) return true;
    }
    return false;
  };
  return {
    store: session.store,
    secrets: session.maker,
    declarations: await session.declarations(),
    profiles,
    renewal: renewalBy(session, functionName),
    clock: session.clock,
    rotationFunctionArn,
    isAuthority,
  };
}

function renewalBy({ functions }: Session, functionName: string): RenewFunction {
  return {
    ask: async (request) => {
      try {
        return { kind: 'answered', answer: await functions.invoke(functionName, request) };
      } catch (thrown) {
        if (!(thrown instanceof FunctionFailure)) throw thrown;
        return { kind: 'failed', errorType: thrown.errorType, message: thrown.message };
      }
    },
    start: (request) => functions.start(functionName, request),
  };
}

/** The settings of an earlier declaration; a pause is none of them. Undefined if there was no declaration. */
async function settingsBefore({ store }: Session, name: string): Promise<PreviousDeclaration | undefined> {
  const secret = await describeIfThere(store, name);
  const profile = secret?.tags.get(tags.profile);
  if (!secret?.tags.has(tags.declared) || profile === undefined) return undefined;
  return { profile, tags: settingTags };
}

async function endOf({ store }: Session, name: string): Promise<string | undefined> {
  return (await store.describe(name)).tags.get(tags.notAfter);
}

function saysOf(name: string, { outcome, isChanged, answer }: Applied, end: string | undefined): string {
  const declared = isChanged ? 'declared' : 'unchanged';
  if (answer) return `${declared}, and issued: ${detailOf(answer)}`;
  if (outcome === 'there') return `${declared}; its certificate is valid${end === undefined ? '' : ` until ${end}`}`;
  if (outcome === 'paused') return `${declared}, but paused: cert-renewer resume ${name} has it issued`;
  return `${declared}; cert-renewer status ${name} shows when it is issued`;
}

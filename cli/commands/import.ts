/** `import`: checks files with the rules of the worker and creates an enrolled secret from them. */
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { checkGivenKey } from '../../lambdas/keys/given.ts';
import { readTagSettings, resolveSettings } from '../../lambdas/policy/settings.ts';
import { capabilitiesOf, rootOf } from '../../lambdas/providers/index.ts';
import type { Pair } from '../../lambdas/renewal/pair.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { chainEnd, verifyPath } from '../../lambdas/x509/chain.ts';
import { describeCertificate } from '../../lambdas/x509/facts.ts';
import { command } from '../command.ts';
import { each } from '../each.ts';
import { endpointsTag } from '../endpoints.ts';
import { UsageError } from '../exit.ts';
import { readTextFile } from '../files/read.ts';
import { checkFitness } from '../fitness.ts';
import { pairOf } from '../pair.ts';
import {
  findStack,
  listProfiles,
  readAuthorities,
  readAuthoritySecret,
  readPassword,
  readProfiles,
  readSettings,
} from '../permissions.ts';
import { requireProfile } from '../session.ts';
import { warningText, windowWarnings } from '../warnings.ts';
import { enrolmentOptions, tagsOf } from './enrol.ts';

export const importPair = command({
  name: 'import',
  summary: 'create an enrolled secret from certificate and key files',
  description: [
    'Checks the files first and creates nothing if a check fails. The key must belong to the certificate and be strong enough. The certificate must be valid now, and the profile must be able to renew it. In a step-ca profile a given chain must lead to the profile’s root.',
    'Then creates the secret in the shape { certificate, privateKey, certificateChain? }, with value and tags in one step. An encrypted key stays encrypted; the password of the profile must open it.',
  ],
  argument: { name: '<name>', description: 'name of the new secret' },
  options: {
    cert: { flags: '--cert <file>', description: 'the certificate in PEM, with or without its chain; required' },
    key: { flags: '--key <file>', description: 'its private key in PEM; required' },
    chain: { flags: '--chain <file>', description: 'the chain in PEM, if the certificate file lacks it' },
    kmsKey: { flags: '--kms-key <key>', description: 'encrypt the secret with this customer key in KMS' },
    ...enrolmentOptions,
  },
  examples: [
    {
      command: 'cert-renewer import web/tls --cert web.crt --key web.key --profile internal',
      says: 'files as step writes them',
    },
  ],
  needs: [
    ...[findStack, readSettings, readProfiles, listProfiles, readAuthorities, readAuthoritySecret],
    { actions: ['secretsmanager:CreateSecret', 'secretsmanager:TagResource'], on: 'secrets' },
    { ...readPassword, when: 'the key is encrypted' },
  ],
  winds: true,
  run: async (context, names, given) => {
    const { session, entropy, terminal } = context;
    const { cert, key, chain, kmsKey } = given;
    if (cert === undefined || key === undefined) throw new UsageError('--cert and --key are both required.');
    const set = tagsOf(given);
    const profile = await requireProfile(session, set[tags.profile]);
    if (given.endpoint) endpointsTag(given.endpoint, profile);
    const { longestGap } = await session.deployment();
    return each(context, names, async (name) => {
      const text = JSON.stringify({
        certificate: await readTextFile(cert),
        privateKey: await readTextFile(key),
        ...(chain !== undefined && { certificateChain: await readTextFile(chain) }),
      });
      const now = session.clock.now();
      const pair = await pairOf(session, entropy, profile, {
        versionId: '',
        value: { kind: 'string', text },
        createdAt: now,
      });
      checkPair(pair, profile, now);
      const { roots, unchecked } = await checkFitness(session, entropy, { pair, profile, tags: set });
      if (unchecked !== undefined) terminal.note(`${name}: ${unchecked}`);
      if (lacksChain(pair, roots, now)) {
        terminal.note(
          `${name}: the chain is missing. Give it with --chain: some readers need it, and so does step-ca after a change of its intermediate.`,
        );
      }
      const { arn, versionId } = await session.secrets.create({ name, text, tags: set, kmsKeyId: kmsKey });
      const facts = describeCertificate(pair.leaf);
      const { subject, sans, notAfter } = facts;
      const settings = resolveSettings(undefined, readTagSettings(new Map(Object.entries(set))), profile);
      const { end } = chainEnd(pair.leaf, pair.chain, roots ?? []);
      const warnings = windowWarnings(settings, { notBefore: pair.leaf.notBefore, end }, arn, longestGap);
      return {
        says: `created and enrolled in ${profile.name}: ${subject || sans.join(', ')}, until ${notAfter}${warningText(warnings)}`,
        record: { secretArn: arn, versionId, profile: profile.name, ...facts, warnings },
      };
    });
  },
});

/** Returns whether certificates between the leaf and its root are missing. There are none if a root signed the leaf. */
function lacksChain({ leaf, chain }: Pair, roots: readonly Certificate[] | undefined, now: number): boolean {
  return chain.length === 0 && !(roots && verifyPath(leaf, [], roots, now).ok);
}

/** Throws WeakKey, NotYetValid, CertificateExpired, CaUntrusted. */
function checkPair({ leaf, chain, key }: Pair, profile: Profile, now: number): void {
  if (key) checkGivenKey(key);
  if (leaf.notBefore > now) {
    throw new RenewalError(
      'NotYetValid',
      `The certificate is not valid before ${formatInstant(leaf.notBefore)}: import it then.`,
    );
  }
  if (leaf.notAfter <= now) {
    throw new RenewalError(
      'CertificateExpired',
      `The certificate expired on ${formatInstant(leaf.notAfter)}: get a new one first.`,
    );
  }
  const root = capabilitiesOf(profile.ca).wantsPath ? rootOf(profile.ca) : undefined;
  if (root === undefined || chain.length === 0) return;
  const path = verifyPath(leaf, chain, certificatesIn(root), now);
  if (path.ok) return;
  throw new RenewalError(
    'CaUntrusted',
    `The certificate does not verify to the root of the profile ${profile.name}: ${path.problem} Give the right --chain, or another profile.`,
  );
}

const certificatesIn = (pem: string): Certificate[] => pemBlocks(pem).map(({ der }) => parseCertificate(der));

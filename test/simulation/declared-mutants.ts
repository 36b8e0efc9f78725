/** Products with one fault each in declared certificates. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import type { Tamper } from '../../testkit/simulation/functions.ts';
import { type DeedKind, day, type Fault, hour, type Plan } from '../../testkit/simulation/plan.ts';
import { calm, type Mutant, secret, withStore } from './mutants.ts';

/** Valid for longer than an episode of the tests, and for less. */
const entry: CertificateEntry = { profile: 'strict', dnsNames: ['web.svc.example'], duration: '43200m' };
const short: CertificateEntry = { ...entry, duration: '1200m' };
const other: CertificateEntry = { ...entry, dnsNames: ['web.svc.example', 'www.svc.example'] };
/** A change that the names do not show. The product checks the names itself, even if the tags are wrong. */
const otherKey: CertificateEntry = { ...entry, kty: 'EC', curve: 'P-384' };

const deploy = (each: CertificateEntry | undefined): DeedKind => ({
  ...{ kind: 'deploy', resource: 'config' },
  certificates: each === undefined ? {} : { 'web/1': each },
});
const alter: DeedKind = { kind: 'alter', secret: 'web/1', entry: { ...entry, dnsNames: ['www.bank.example'] } };
const ask: DeedKind = { kind: 'ask', secret: 'web/1', request: {} };

/** A plan with one of these deeds every four hours. */
function declaring(deeds: readonly DeedKind[], faults: readonly Omit<Fault, 'id'>[] = []): Plan {
  return {
    ...{ ...calm, secrets: [secret(1, { declared: 'new' })] },
    deeds: deeds.map((deed, n) => ({ ...deed, at: hour + 4 * n * hour, id: `d${n}` })),
    faults: faults.map((fault, n) => ({ ...fault, id: `f${n}` })),
  };
}

const twice = declaring([deploy(entry), deploy(other)]);

/** Changes how the product sees the tags of a secret. */
const seeing = (change: (found: ReadonlyMap<string, string>) => ReadonlyMap<string, string>): Tamper => {
  const seen = (summary: SecretSummary): SecretSummary => ({ ...summary, tags: new Map(change(summary.tags)) });
  return withStore((store) => ({ describe: async (secretId) => seen(await store.describe(secretId)) }));
};

function remembering(): Tamper {
  type Found = Awaited<ReturnType<NonNullable<Parameters<Tamper>[0]['declarations']>['find']>>;
  const known = new Map<string, Found>();
  return (world) => ({
    ...world,
    declarations: {
      find: async (name) => {
        const found = known.get(name) ?? (await world.declarations?.find(name));
        known.set(name, found);
        return found;
      },
    },
  });
}

const allowing: Tamper = (world) => ({
  ...world,
  profiles: {
    find: async (name) => {
      const profile = await world.profiles.find(name);
      return profile?.issue && { ...profile, issue: { ...profile.issue, allow: ['dns:example', 'dns:bank.example'] } };
    },
  },
});

const gone = () => new RenewalError('SecretNotFound', 'There is no parameter.');

export const declaredMutants: readonly Mutant[] = [
  {
    what: 'the tag says that it is issued before it is promoted',
    rule: 'not as declared',
    tamper: withStore((store) => ({
      stage: async (arn, versionId, value) => {
        const declared = (await store.describe(arn)).tags.get(tags.declared);
        if (declared !== undefined) await store.tag(arn, { [tags.issued]: declared }, []);
        return store.stage(arn, versionId, value);
      },
    })),
    plan: declaring(
      [deploy(entry), deploy(otherKey)],
      [{ at: 4 * hour, until: day, call: 'stage', kind: 'killed before', times: 1 }],
    ),
  },
  {
    what: 'the tag is never written',
    rule: 'a tag that lies',
    tamper: withStore((store) => ({
      tag: (arn, { [tags.issued]: _, ...set }, remove) => store.tag(arn, set, remove),
    })),
    plan: twice,
  },
  {
    what: 'the limits of the profile are not checked again',
    rule: 'asked for what is not allowed',
    tamper: allowing,
    plan: declaring([deploy(entry), alter, ask]),
  },
  {
    what: 'a certificate counts as the declared one without a check',
    rule: 'not as declared',
    tamper: seeing((found) => {
      const declared = found.get(tags.declared);
      return declared === undefined ? found : new Map([...found, [tags.issued, declared]]);
    }),
    plan: declaring([deploy(entry), deploy(otherKey)]),
  },
  {
    what: 'a declaration is cached',
    rule: 'not as declared',
    tamper: remembering(),
    plan: declaring([deploy(entry), deploy({ ...other, wait: false })]),
  },
  {
    what: 'no certificate counts as the declared one',
    rule: 'issued without a reason',
    tamper: seeing((found) => (found.has(tags.issued) ? new Map([...found, [tags.issued, 'another']]) : found)),
    plan: declaring([deploy(entry)]),
  },
  {
    what: 'a usage is added to what is declared',
    rule: 'asked for what was not declared',
    tamper: (world) => ({
      ...world,
      declarations: {
        find: async (name) => {
          const found = await world.declarations?.find(name);
          return found && { ...found, usages: [...found.usages, 'codeSigning'] };
        },
      },
    }),
    plan: declaring([deploy(entry)]),
  },
  {
    what: 'every secret is looked up',
    rule: 'looked up without a mark',
    tamper: seeing((found) => new Map([...found, [tags.declared, 'x']])),
  },
  {
    what: 'an issuance is reported as a renewal',
    rule: 'an issuance told as something else',
    tamper: (world) => ({
      ...world,
      publisher: {
        ...world.publisher,
        publish: (event) =>
          event.type === 'Certificate Renewed'
            ? world.publisher.publish({ ...event, detail: { ...event.detail, operation: 'rekey' } })
            : world.publisher.publish(event),
      },
    }),
    plan: declaring([deploy(entry)]),
  },
  {
    what: 'a missing declaration is not reported',
    rule: 'renewed without a word',
    tamper: (world) => ({
      ...world,
      journal: { ...world.journal, decision: (line) => world.journal.decision({ ...line, warnings: [] }) },
    }),
    plan: declaring([deploy(short), deploy(undefined)]),
  },
  {
    what: 'a certificate without its declaration is not renewed',
    rule: 'let expire',
    tamper: (world) => ({
      ...world,
      declarations: {
        find: async (name) => (await world.declarations?.find(name)) ?? Promise.reject(gone()),
      },
    }),
    plan: {
      ...declaring([deploy({ ...entry, profile: 'lenient', duration: '5760m' }), deploy(undefined)]),
      ...{ profiles: ['lenient'], secrets: [secret(1, { profile: 'lenient', declared: 'new' })] },
    },
  },
];

/** A stack on fakes, with a renew function that issues by the parameter and tags the secret. */
import type { DeclarationWorld } from '../../lambdas/deployment/world.ts';
import type { FunctionAnswer, RenewFunction } from '../../lambdas/domain/declaring.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { declarationHash } from '../../lambdas/policy/declaration-identity.ts';
import { identityOf } from '../../lambdas/providers/index.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { FakeDeclarationKeeper } from '../../testkit/fakes/declaration-keeper.ts';
import { Faults } from '../../testkit/fakes/faults.ts';
import { FakeJournal } from '../../testkit/fakes/journal.ts';
import { FakeProfiles } from '../../testkit/fakes/profiles.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';

export const offline: Profile = {
  name: 'offline',
  ca: { type: 'offline', authority: 'issuing' },
  mode: 'rekey',
  paused: false,
  issue: { allow: ['dns:svc.example'], maxDuration: 30 * 86_400_000 },
};
export const other: Profile = { ...offline, name: 'other', ca: { type: 'offline', authority: 'another' } };
export const closed: Profile = { name: 'closed', ca: offline.ca, mode: 'rekey', paused: false };
export const renewsOnly: Profile = {
  ...offline,
  name: 'infisical',
  ca: { type: 'infisical', url: 'https://i.example', caId: '1', authSecretId: 'a' },
};
export const acme: Profile = {
  ...offline,
  name: 'acme',
  ca: {
    type: 'acme',
    directory: 'https://acme.example/directory',
    challenge: { type: 'dns-01', zones: { 'svc.example': 'Z0123' } },
  },
  issue: { allow: ['dns:example', 'ip:10.0.0.0/8'] },
};

export const web: CertificateEntry = { profile: 'offline', dnsNames: ['web.svc.example'] };
export const name = 'web/tls';

export const failed = (errorType: string, message = 'Not now.'): FunctionAnswer => ({
  kind: 'failed',
  errorType,
  message,
});
export const answered = (answer: object): FunctionAnswer => ({ kind: 'answered', answer });
export const skipped = (code: string) => answered({ outcome: 'skipped', reason: { code, message: code }, sans: null });

/** A result with only the fields that are checked. */
export class DeployedWorld implements DeclarationWorld {
  readonly faults = new Faults();
  readonly clock = new FakeClock();
  readonly store = new FakeStore({ faults: this.faults, clock: this.clock });
  readonly secrets = this.store;
  readonly declarations = new FakeDeclarationKeeper({ faults: this.faults });
  readonly profiles = new FakeProfiles(offline, other, closed, renewsOnly, acme);
  readonly journal = new FakeJournal();
  readonly rotationFunctionArn = 'arn:aws:lambda:us-east-1:000000000000:function:renew';
  /** Answers that replace the function's own, in order. */
  readonly answers: (FunctionAnswer | Error)[] = [];
  /** Names or ARNs of requests, and of those that were started without waiting. */
  readonly asked: Readonly<Record<string, unknown>>[] = [];
  readonly started: Readonly<Record<string, unknown>>[] = [];
  isAuthority?: NonNullable<DeclarationWorld['isAuthority']>;

  readonly renewal: RenewFunction = {
    ask: (request) =>
      this.faults.around('ask', [request], () => {
        this.asked.push(request);
        const next = this.answers.shift();
        if (next instanceof Error) throw next;
        return next ?? this.work(String(request['secretId']), request['dryRun'] === true);
      }),
    start: (request) =>
      this.faults.around('startRenewal', [request], () => {
        this.started.push(request);
      }),
  };

  /** Does a worker's work for this secret. */
  async work(secretId: string, isDry = false): Promise<FunctionAnswer> {
    const secret = this.store.summary(secretId);
    const declaration = await this.declarations.source.find(secret.name);
    if (secret.tags.get(tags.paused) === 'true' && !isDry) return skipped('Paused');
    if (!declaration) return failed('NotDeclared');
    const profile = await this.profiles.find(declaration.profile);
    const hash = profile ? declarationHash(declaration, profile, identityOf(profile.ca)) : '';
    if (secret.tags.get(tags.issued) === hash) return skipped('NotDue');
    if (isDry) return answered({ outcome: 'planned', reason: { code: 'Missing', message: '' }, sans: null });
    const versionId = this.store.write(secret.arn, `issued for ${declaration.names.join(' ')}`);
    this.store.setTags(secret.arn, { [tags.issued]: hash, [tags.versionId]: versionId });
    return answered({
      outcome: 'issued',
      reason: { code: 'Missing', message: '' },
      keyAlgorithm: 'EC P-256',
      warnings: [],
    });
  }

  /** Returns the final state. */
  state(secretName = name) {
    const found = this.store.tagsOf(secretName);
    const { [tags.versionId]: _, ...own } = found;
    const document = this.declarations.documents.get(secretName);
    return { tags: own, document: document === undefined ? undefined : JSON.parse(document) };
  }
}

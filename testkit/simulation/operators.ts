/** The actions of operators. */
import { createPublicKey } from 'node:crypto';
import { versionWithStage } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { newKey } from './cas.ts';
import { Deployments } from './deployments.ts';
import type { Functions } from './functions.ts';
import { type Deed, type SecretPlan, start } from './plan.ts';
import { rotationFunctionArn } from './ports.ts';
import type { Simulation } from './simulation.ts';
import { mark, writeValue } from './values.ts';

export class Operators {
  readonly #simulation: Simulation;
  readonly #functions: Functions;
  readonly #deployments: Deployments;
  #notes = 0;

  constructor(simulation: Simulation, functions: Functions) {
    this.#simulation = simulation;
    this.#functions = functions;
    this.#deployments = new Deployments(simulation, functions);
  }

  /** Makes the secrets that exist at the start. */
  prepare(): void {
    const simulation = this.#simulation;
    simulation.addSecret({ name: 'pki/password', value: `${mark}-password\n` });
    simulation.addSecret({ name: 'pki/password-imported', value: `${mark}-password` });
    for (const plan of simulation.plan.secrets) if (plan.declared !== 'new') this.#enrol(plan);
    for (const deed of simulation.plan.deeds) simulation.timeline.at(start + deed.at, () => this.#do(deed));
  }

  #enrol(plan: SecretPlan): void {
    const { timeline } = this.#simulation;
    const { name, profile, ownTags, rotation } = plan;
    const own = Object.fromEntries(Array.from({ length: ownTags }, (_, n) => [`own-${n}`, 'x']));
    const isRotated = rotation !== undefined;
    const kmsKeyId = plan.inKms ? this.#addKey(plan) : undefined;
    const versionId = `first-version-of-${name.replace('/', '-')}-0000000000`;
    this.#simulation.addSecret(
      {
        ...{ name, versionId, tags: { [tags.profile]: profile, ...plan.tags, ...own } },
        ...(!plan.empty && {
          value: this.#value(plan, timeline.now() - plan.age * plan.validity, plan.validity, kmsKeyId),
        }),
        ...(isRotated && { rotation: { enabled: true, functionArn: rotationFunctionArn } }),
      },
      plan,
    );
    if (isRotated) this.#rotateEvery(name, rotation);
  }

  #rotateEvery(name: string, period: number): void {
    const { timeline, plan } = this.#simulation;
    timeline.at(timeline.now() + period, () => {
      this.#functions.rotate(name);
      if (this.#simulation.elapsed < plan.end) this.#rotateEvery(name, period);
    });
  }

  #addKey({ key, name }: SecretPlan): string {
    const { vault, kmsKeys } = this.#simulation;
    const privateKey = newKey(key);
    const spec =
      key === 'Ed25519'
        ? ({ kty: 'OKP', curve: 'Ed25519' } as const)
        : key.startsWith('RSA')
          ? ({ kty: 'RSA', size: 2048 } as const)
          : ({ kty: 'EC', curve: 'P-256' } as const);
    const arn = vault.add({ spec, privateKey, alias: name });
    kmsKeys.set(arn, privateKey);
    return arn;
  }

  #value(plan: SecretPlan, notBefore: number, validity: number, kmsKeyId?: string): string {
    const { kmsKeys, cas } = this.#simulation;
    const key = (kmsKeyId !== undefined && kmsKeys.get(kmsKeyId)) || newKey(plan.key);
    const notAfter = notBefore + validity;
    const { leaf, chain } = cas.issueByHand(plan.profile, {
      name: plan.name,
      publicKey: createPublicKey(key),
      notBefore,
      notAfter,
    });
    const note = `${mark}-note-${++this.#notes}`;
    return writeValue({ shape: plan.shape, leaf, chain, key: kmsKeyId === undefined ? key : { kmsKeyId }, note });
  }

  #do(deed: Deed): void {
    const simulation = this.#simulation;
    const name = 'secret' in deed ? deed.secret : undefined;
    simulation.ledger.counts.deeds += 1;
    simulation.note('somebody', describeDeed(deed), name === undefined ? [] : [name]);
    if (name !== undefined && simulation.ledger.find(name) === undefined && deed.kind !== 'declare') return; // this secret does not exist in this episode
    const named = deed.kind === 'deploy' ? Object.keys(deed.certificates) : [name];
    for (const record of named.flatMap((each) => simulation.dependentsOf(each))) {
      record.deeds.push(simulation.timeline.now());
      if (changesPlans(deed)) record.changes += 1;
    }
    if (name !== undefined && simulation.ledger.find(name)) simulation.willChange(name);
    this.#act(deed);
    simulation.onServing();
  }

  #act(deed: Deed): void {
    const { store } = this.#simulation;
    switch (deed.kind) {
      case 'write':
      case 'write rubbish':
        this.#write(deed);
        break;
      case 'roll back':
        this.#roll(deed.secret, 'AWSPREVIOUS');
        break;
      case 'roll forward':
        this.#roll(deed.secret, 'AWSPENDING');
        break;
      case 'tag':
        store.setTags(deed.secret, deed.set);
        break;
      case 'untag':
        if (deed.keys.includes(tags.versionId)) this.#excuse(deed.secret, 'somebody removed the tag version-id');
        store.setTags(deed.secret, {}, deed.keys);
        break;
      case 'fill tags':
        this.#fillTags(deed.secret, deed.count);
        break;
      case 'delete':
        store.delete(deed.secret);
        break;
      case 'restore':
        store.restore(deed.secret);
        break;
      case 'disable key':
      case 'enable key':
        this.#enableKey(deed.secret, deed.kind === 'enable key');
        break;
      case 'rotate':
        if (deed.immediately) this.#functions.rotate(deed.secret);
        else this.#functions.testRotation(deed.secret);
        break;
      case 'ask':
        this.#functions.ask(deed.secret, deed.request);
        break;
      case 'deploy':
        this.#deployments.deploy(deed.resource, deed.certificates);
        break;
      case 'declare':
        this.#deployments.declare(deed.secret, deed.entry);
        break;
      case 'undeclare':
        this.#deployments.declare(deed.secret, undefined);
        break;
      case 'alter':
        this.#deployments.alter(deed.secret, deed.entry);
        break;
      case 'scan':
        this.#functions.scan({
          force: deed.force,
          dryRun: false,
          ...(deed.secret && { secretIds: [deed.secret] }),
        });
        break;
    }
  }

  #enableKey(name: string, isEnabled: boolean): void {
    const { vault, disabledKeys } = this.#simulation;
    const kmsKeyId = this.#kmsKeyOf(name);
    if (kmsKeyId === undefined) return;
    vault.setEnabled(kmsKeyId, isEnabled);
    if (isEnabled) disabledKeys.delete(kmsKeyId);
    else disabledKeys.add(kmsKeyId);
  }

  #kmsKeyOf(name: string): string | undefined {
    const record = this.#simulation.record(name);
    for (const content of record.contents.values())
      if (content.kind === 'pair' && content.kmsKeyId) return content.kmsKeyId;
    return undefined;
  }

  #write(deed: Extract<Deed, { kind: 'write' | 'write rubbish' }>): void {
    const simulation = this.#simulation;
    const record = simulation.record(deed.secret);
    const { plan } = record;
    if (!plan || simulation.store.summary(record.arn).deletedAt !== undefined) return;
    const notBefore = simulation.timeline.now() - 60_000;
    const value = (): string => {
      if (deed.kind === 'write') return this.#value(plan, notBefore, deed.validity, this.#kmsKeyOf(plan.name));
      if (deed.what === 'text') return `${mark}: this is no certificate`;
      if (deed.what === 'placeholder') return '{}';
      const own = this.#value({ ...plan, shape: 'camel' }, notBefore, 1000 * 3_600_000);
      const other = this.#value({ ...plan, shape: 'camel' }, notBefore, 1000 * 3_600_000);
      return JSON.stringify({ ...JSON.parse(own), privateKey: JSON.parse(other).privateKey });
    };
    const text = value();
    this.#excuse(plan.name, 'somebody wrote another value');
    const versionId = simulation.store.write(record.arn, text);
    record.written(versionId, { kind: 'string', text }, 'somebody');
    simulation.nowCurrent(record, versionId);
  }

  #roll(name: string, stage: 'AWSPREVIOUS' | 'AWSPENDING'): void {
    const { store } = this.#simulation;
    const summary = store.summary(name);
    const to = versionWithStage(summary, stage);
    if (to === undefined || to === summary.currentVersionId || summary.deletedAt !== undefined) return;
    // A stage without a value belongs to a rotation that has not written yet.
    if (!this.#simulation.record(name).contents.has(to)) return;
    this.#excuse(name, 'somebody rolled back');
    store.moveStage(name, 'AWSCURRENT', to);
    this.#simulation.nowCurrent(this.#simulation.record(name), to);
  }

  /** Earlier renewals need no announcement any more. */
  #excuse(name: string, why: string): void {
    for (const promotion of this.#simulation.record(name).promotions) {
      if (promotion.told.length === 0) promotion.excused = why;
    }
  }

  /** Adds or removes tags until the secret has so many, including ours. */
  #fillTags(name: string, count: number): void {
    const { store } = this.#simulation;
    const found = Object.keys(store.tagsOf(name));
    const own = found.filter((tag) => tag.startsWith('own-'));
    const missing = count - found.length;
    if (missing > 0)
      store.setTags(name, Object.fromEntries(Array.from({ length: missing }, (_, n) => [`own-more-${n}`, 'x'])));
    else store.setTags(name, {}, own.slice(count));
  }
}

/** Whether an open order may become useless by it. A request for the same key, or another scan, is no reason for another order. */
function changesPlans(deed: Deed): boolean {
  if (deed.kind !== 'ask') return deed.kind !== 'scan';
  return ['mode', 'kty', 'privateKey'].some((field) => field in deed.request);
}

function describeDeed(deed: Deed): string {
  const { id: _, at: __, kind, ...rest } = deed;
  return `${kind} ${JSON.stringify(rest)}`;
}

import { expect } from 'vitest';
import type { SecretMaker } from '../../lambdas/domain/declaring.ts';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import type { Store } from '../../lambdas/domain/ports.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';

/** A place with secrets, and what other people do there. */
export interface StoreWorld {
  readonly store: Store;
  readonly maker: SecretMaker;
  /** A key in KMS that encrypts. Gives its ARN. */
  createKey(): Promise<string>;
  /** CreateSecret. Gives the ARN. */
  create(input: { name: string; tags?: Record<string, string>; value?: SecretValue }): Promise<string>;
  /** Someone else's PutSecretValue: a new AWSCURRENT. Gives its version id. */
  write(secretArn: string, text: string): Promise<string>;
  /** DeleteSecret with a recovery window. */
  remove(secretArn: string): Promise<void>;
  /** A copy of a secret of another Region, and a store that sees it. */
  createReplica(input: {
    name: string;
    tags: Record<string, string>;
    value: SecretValue;
  }): Promise<{ store: Store; arn: string }>;
  close(): Promise<void>;
}

let counter = 0;
export const enrolled = { 'cert-renewer:profile': 'internal' };
export const text = (value: string): SecretValue => ({ kind: 'string', text: value });
/** As the product makes them: at least 32 characters. */
export const newVersionId = () => `cert-renewer-0123abcd-${String(++counter).padStart(16, '0')}`;
export const failsWith = (code: ErrorCode, message: RegExp = /./) =>
  expect.objectContaining({ code, name: code, message: expect.stringMatching(message) });

/** One run of the suite: a world, and names that no other run has. */
export class StoreSuite {
  readonly run = Math.random().toString(36).slice(2, 10);
  #world: StoreWorld | undefined;

  async open(open: () => Promise<StoreWorld>): Promise<void> {
    this.#world = await open();
  }

  async close(): Promise<void> {
    await this.#world?.close();
  }

  get world(): StoreWorld {
    if (!this.#world) throw new Error('the world is not open yet');
    return this.#world;
  }

  unique(label: string): string {
    return `conformance/${this.run}/${label}-${++counter}`;
  }

  /** A new secret of an own name. Gives its ARN. */
  create(label: string, value?: SecretValue, tags: Record<string, string> = enrolled): Promise<string> {
    return this.world.create({ name: this.unique(label), tags, ...(value ? { value } : {}) });
  }

  /** A secret with one version, its ARN and that version's id. */
  async created(value = 'one'): Promise<{ arn: string; first: string }> {
    const arn = await this.create('secret', text(value));
    const { currentVersionId = 'none' } = await this.world.store.describe(arn);
    return { arn, first: currentVersionId };
  }

  /** Labels by version id, in order. */
  async stages(arn: string): Promise<Record<string, string[]>> {
    const { versions } = await this.world.store.describe(arn);
    return Object.fromEntries([...versions].map(([id, labels]) => [id, [...labels].sort()]));
  }
}

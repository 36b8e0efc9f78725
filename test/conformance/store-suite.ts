import { expect } from 'vitest';
import type { SecretMaker } from '../../lambdas/domain/declaring.ts';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import type { Store } from '../../lambdas/domain/ports.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';

/** A place with secrets, and the actions of other users there. */
export interface StoreWorld {
  readonly store: Store;
  readonly maker: SecretMaker;
  /** Makes a key in KMS for encryption. Returns its ARN. */
  createKey(): Promise<string>;
  /** CreateSecret. Returns the ARN. */
  create(input: { name: string; tags?: Record<string, string>; value?: SecretValue }): Promise<string>;
  /** PutSecretValue by another writer: a new AWSCURRENT. Returns its version id. */
  write(secretArn: string, text: string): Promise<string>;
  /** DeleteSecret with a recovery window. */
  remove(secretArn: string): Promise<void>;
  /** Makes a replica of a secret of another Region, and a store that sees it. */
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
/** Version ids of at least 32 characters, like those of the product. */
export const newVersionId = () => `cert-renewer-0123abcd-${String(++counter).padStart(16, '0')}`;
export const failsWith = (code: ErrorCode, message: RegExp = /./) =>
  expect.objectContaining({ code, name: code, message: expect.stringMatching(message) });

/** One run of the suite: a world, with names that no other run uses. */
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

  /** Makes a new secret. Returns its ARN. */
  create(label: string, value?: SecretValue, tags: Record<string, string> = enrolled): Promise<string> {
    return this.world.create({ name: this.unique(label), tags, ...(value ? { value } : {}) });
  }

  /** Makes a secret with one version. Returns its ARN and the version's id. */
  async created(value = 'one'): Promise<{ arn: string; first: string }> {
    const arn = await this.create('secret', text(value));
    const { currentVersionId = 'none' } = await this.world.store.describe(arn);
    return { arn, first: currentVersionId };
  }

  /** Labels by version id, sorted. */
  async stages(arn: string): Promise<Record<string, string[]>> {
    const { versions } = await this.world.store.describe(arn);
    return Object.fromEntries([...versions].map(([id, labels]) => [id, [...labels].sort()]));
  }
}

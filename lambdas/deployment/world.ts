/** What the declaration of certificates knows of the world: the deployment's function and the command line hand it in. */
import type { DeclarationKeeper, RenewFunction, SecretMaker } from '../domain/declaring.ts';
import type { Clock, ProfileSource, Store } from '../domain/ports.ts';
import type { SecretSummary } from '../domain/secret.ts';

export interface DeclarationWorld {
  /** The resource of a deployment, which takes back its own declarations alone; undefined: a person. */
  readonly declaredBy?: string | undefined;
  readonly store: Pick<Store, 'describe' | 'tag'>;
  readonly secrets: SecretMaker;
  readonly declarations: DeclarationKeeper;
  readonly profiles: ProfileSource;
  readonly renewal: RenewFunction;
  readonly clock: Clock;
  /** The renew function's: a secret that it rotates is ours to write. */
  readonly rotationFunctionArn?: string | undefined;
  /** Whether a secret is that of an authority of the stack. Undefined where that is not known. */
  readonly isAuthority?: (secret: SecretSummary) => Promise<boolean>;
}
